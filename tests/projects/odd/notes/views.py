from django.db import connection
from django.http import HttpResponse

from notes.models import Note


def add(request):
    Note.objects.create(text="by a request")
    return HttpResponse(f"{connection.in_atomic_block}")
