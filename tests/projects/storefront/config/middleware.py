import logging
import re
import uuid

from asgiref.sync import iscoroutinefunction
from django.utils.decorators import sync_and_async_middleware

logger = logging.getLogger("storefront.requests")

ACCEPTABLE = re.compile(r"[A-Za-z0-9-]{8,64}")


def request_id_of(request):
    sent = request.headers.get("X-Request-Id", "")
    return sent if ACCEPTABLE.fullmatch(sent) else uuid.uuid4().hex


@sync_and_async_middleware
def RequestIdMiddleware(get_response):
    """Gives each request an id, the client's own if it is a sane one, and sends it back."""

    def finish(request, response):
        response["X-Request-Id"] = request.request_id
        if response.status_code >= 500:
            logger.error("request %s failed", request.request_id)
        return response

    if iscoroutinefunction(get_response):

        async def middleware(request):
            request.request_id = request_id_of(request)
            return finish(request, await get_response(request))

    else:

        def middleware(request):
            request.request_id = request_id_of(request)
            return finish(request, get_response(request))

    return middleware
