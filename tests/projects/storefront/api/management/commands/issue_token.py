from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from api.models import ApiToken


class Command(BaseCommand):
    help = "Issues a token of the API and prints its key, which cannot be shown again."

    def add_arguments(self, parser):
        parser.add_argument("username")
        parser.add_argument("name")

    def handle(self, *, username, name, **options):
        User = get_user_model()
        try:
            with transaction.atomic():
                _, key = ApiToken.objects.issue(User.objects.get_by_natural_key(username), name)
        except User.DoesNotExist:
            raise CommandError(f"There is no user called {username}.") from None
        except IntegrityError:
            raise CommandError(f"{username} has a token called {name}.") from None
        self.stdout.write(key)
