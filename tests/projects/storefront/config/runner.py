import tempfile

from django.test.runner import DiscoverRunner
from django.test.utils import override_settings


class StorefrontRunner(DiscoverRunner):
    """Passwords hash fast, and uploads go to a folder that is removed afterwards."""

    def setup_test_environment(self, **kwargs):
        super().setup_test_environment(**kwargs)
        self.media = tempfile.TemporaryDirectory(prefix="storefront-media-")
        self.overrides = override_settings(
            MEDIA_ROOT=self.media.name,
            PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
            PAYMENT_RETRY_DELAYS_S=(0.01, 0.02),
        )
        self.overrides.enable()

    def teardown_test_environment(self, **kwargs):
        self.overrides.disable()
        self.media.cleanup()
        super().teardown_test_environment(**kwargs)
