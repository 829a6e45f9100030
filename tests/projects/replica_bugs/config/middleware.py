from .routers import has_written

COOKIE = "has-written"


class PinningMiddleware:
    """Lets a browser that has written read from the primary in its next requests too."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        token = has_written.set(COOKIE in request.COOKIES)
        try:
            response = self.get_response(request)
            if has_written.get():
                response.set_cookie(COOKIE, "1", max_age=15)
            return response
        finally:
            has_written.reset(token)
