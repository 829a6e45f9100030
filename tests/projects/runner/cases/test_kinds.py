"""Kinds of test classes beside the common ones."""

import urllib.request

from asgiref.sync import sync_to_async
from django.test import AsyncClient, LiveServerTestCase, TestCase

from shop.models import Item


class LiveTests(LiveServerTestCase):
    def test_the_server_sees_what_the_test_wrote(self):
        Item.objects.create(name="live")
        with urllib.request.urlopen(self.live_server_url) as response:
            self.assertIn("live", response.read().decode())


class AsyncTests(TestCase):
    async def test_queries(self):
        await Item.objects.acreate(name="a")
        self.assertEqual(await Item.objects.acount(), 2)
        self.assertEqual(await sync_to_async(Item.objects.count)(), 2)

    async def test_client(self):
        response = await AsyncClient().get("/")
        self.assertEqual(response.content, b"migrated")


