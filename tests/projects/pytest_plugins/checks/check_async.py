import asyncio

import pytest


@pytest.fixture
async def slowly():
    await asyncio.sleep(0)
    return 1


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def test_by_asyncio(slowly):
    assert slowly == 1


async def test_fails():
    await asyncio.sleep(0)
    raise ValueError("async")


@pytest.mark.anyio
async def test_by_anyio():
    import anyio

    await anyio.sleep(0)
