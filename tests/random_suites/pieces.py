"""The texts for tests of a random suite: steps that succeed, and endings that do not.

In a text, ``NAME`` is a word that no other piece has. A test must neither see nor leave anything that depends on what ran before
it: keys that the database chooses and rows of other tests are in no assertion and no message.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection
from dataclasses import dataclass
from random import Random

SIMPLE, CASE, TRANSACTION, PLAIN, ASYNC = (
    "SimpleTestCase",
    "TestCase",
    "TransactionTestCase",
    "unittest.TestCase",
    "async",
)
DJANGO = (SIMPLE, CASE, TRANSACTION)
WITH_DATABASE = (CASE, TRANSACTION)
ALL = (*DJANGO, PLAIN, ASYNC)


@dataclass(frozen=True)
class Place:
    """The place of a piece in a test: the kind of its class, the class's aliases, the engine."""

    kind: str
    databases: Collection[str]
    engine: str
    is_async: bool = False
    is_serialized: bool = False
    resets_sequences: bool = False
    has_data: bool = False
    mirrors: str = "auto"


@dataclass(frozen=True)
class Piece:
    """A text, and the places that it fits into. ``needs`` are aliases; ``is_async``: for which methods, None for both."""

    text: str
    kinds: tuple[str, ...] = ALL
    needs: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()
    is_async: bool | None = None
    engine: str | None = None
    where: str = ""
    not_mirrors: str = ""

    def fits(self, place: Place) -> bool:
        return (
            place.kind in self.kinds
            and self.needs <= set(place.databases)
            and not self.lacks & set(place.databases)
            and self.is_async in (None, place.is_async)
            and self.engine in (None, place.engine)
            and (not self.where or bool(getattr(place, self.where)))
            and self.not_mirrors != place.mirrors
        )


def _db(text: str, *needs: str, **options: object) -> Piece:
    """A piece that uses databases, in a method that is not async unless *options* say so."""
    given = {"kinds": WITH_DATABASE, "is_async": False, **options}
    return Piece(text, needs=frozenset(needs or {"default"}), **given)  # type: ignore[arg-type]  # the keywords are the callee's fields


STEPS = (
    Piece("pass"),
    Piece("print('NAME to stdout')"),
    Piece("print('NAME to stderr', file=sys.stderr)"),
    Piece("self.assertEqual([1, 2], [1, 2])"),
    Piece("self.addCleanup(print, 'NAME in a clean-up')"),
    Piece("with self.assertRaisesMessage(ValueError, 'NAME'):\n    raise ValueError('NAME')", DJANGO),
    Piece("with self.assertLogs('NAME', 'INFO'):\n    logging.getLogger('NAME').info('NAME')"),
    Piece("with self.assertWarns(UserWarning):\n    warnings.warn('NAME', UserWarning)"),
    Piece("with self.settings(GREETING='NAME'):\n    self.assertEqual(settings.GREETING, 'NAME')", DJANGO),
    Piece("with override_settings(GREETING='NAME'):\n    self.assertEqual(settings.GREETING, 'NAME')"),
    Piece("await asyncio.sleep(0)", is_async=True),
    Piece("self.assertEqual(self.client.get('/nowhere/').status_code, 404)", DJANGO, is_async=False),
    _db("Author.objects.create(name='NAME')\nself.assertEqual(Author.objects.filter(name='NAME').count(), 1)"),
    _db("author = Author.objects.create(name='NAME')\nauthor.book_set.create(title='NAME')\nauthor.delete()"),
    _db("Author.objects.bulk_create(Author(name=f'NAME {n}') for n in range(3))"),
    _db(
        """
        with self.assertRaises(IntegrityError), transaction.atomic():
            Author.objects.bulk_create([Author(name='NAME'), Author(name='NAME')])
        self.assertFalse(Author.objects.filter(name='NAME').exists())
        """
    ),
    _db(
        """
        with suppress(ValueError), transaction.atomic():
            Author.objects.create(name='NAME')
            raise ValueError('NAME')
        self.assertFalse(Author.objects.filter(name='NAME').exists())
        """
    ),
    _db(
        """
        with transaction.atomic():
            Author.objects.create(name='NAME outer')
            with suppress(IntegrityError), transaction.atomic():
                Author.objects.create(name='NAME outer')
            Author.objects.create(name='NAME inner')
        self.assertEqual(Author.objects.filter(name__startswith='NAME').count(), 2)
        """
    ),
    _db("with self.assertNumQueries(1):\n    Author.objects.filter(name='NAME').count()"),
    _db("transaction.on_commit(lambda: print('NAME on commit'))"),
    _db("with transaction.atomic():\n    transaction.on_commit(lambda: print('NAME on commit'))"),
    _db(
        """
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            transaction.on_commit(lambda: print('NAME on commit'))
        self.assertEqual(len(callbacks), 1)
        """,
        kinds=(CASE,),
    ),
    _db("self.assertEqual(self.client.get('/count/').status_code, 200)"),
    _db("self.assertEqual(Tag.objects.count(), 3)", kinds=(CASE,)),
    _db("self.assertEqual(Tag.objects.count(), 3)", where="is_serialized"),
    _db("self.assertEqual(Author.objects.create(name='NAME').pk, 1)", where="resets_sequences"),
    _db("connection.close()\nAuthor.objects.create(name='NAME')", kinds=(TRANSACTION,)),
    _db("Author.objects.using('other').create(name='NAME')", "other"),
    _db(
        "Author.objects.create(name='NAME')\nself.assertFalse(Author.objects.using('other').exists())",
        "default",
        "other",
    ),
    _db("with transaction.atomic(using='other'):\n    Author.objects.using('other').create(name='NAME')", "other"),
    _db("with self.assertRaises(Exception):\n    Author.objects.using('other').count()", lacks=frozenset({"other"})),
    _db("await Author.objects.acreate(name='NAME')\nawait Author.objects.filter(name='NAME').adelete()", is_async=True),
    _db("async for author in Author.objects.filter(name='NAME'):\n    print('NAME', author)", is_async=True),
    # each test has its own copy of what setUpTestData made
    _db("self.assertEqual(self.author.name, 'of the class')\nself.author.name = 'NAME'", where="has_data"),
    _db("self.author.delete()", where="has_data"),
    _db("self.author.refresh_from_db()\nself.assertEqual(self.author.name, 'of the class')", where="has_data"),
    # mirrors
    _db("self.assertEqual(Tag.objects.using('replica').count(), 3)", "replica", kinds=(CASE,)),
    _db(
        "with self.assertNumQueries(1, using='replica'):\n    Tag.objects.using('replica').count()",
        "replica",
        kinds=(CASE,),
    ),
    _db("with transaction.atomic(using='replica'):\n    Tag.objects.using('replica').first()", "replica"),
    _db(
        """
        with self.assertRaises(DatabaseError), connections['replica'].cursor() as cursor:
            cursor.execute('SELECT * FROM not_there')
        Author.objects.create(name='NAME')
        """,
        "default",
        "replica",
        kinds=(TRANSACTION,),
    ),
    _db(
        """
        with self.assertRaises(DatabaseError), transaction.atomic(using='replica'):
            connections['replica'].cursor().execute('SELECT * FROM not_there')
        self.assertFalse(Author.objects.using('replica').filter(name='NAME').exists())
        """,
        "default",
        "replica",
    ),
    _db(
        """
        Author.objects.create(name='NAME')
        self.assertEqual(Author.objects.using('replica').get(name='NAME').name, 'NAME')
        Author.objects.filter(name='NAME').update(name='NAME again')
        self.assertEqual(Author.objects.using('replica').filter(name='NAME again').count(), 1)
        """,
        "default",
        "replica",
        kinds=(TRANSACTION,),
    ),
    _db(
        """
        with transaction.atomic():
            Author.objects.create(name='NAME')
            self.assertFalse(Author.objects.using('replica').filter(name='NAME').exists())
        self.assertTrue(Author.objects.using('replica').filter(name='NAME').exists())
        """,
        "default",
        "replica",
        kinds=(TRANSACTION,),
        engine="postgres",
        not_mirrors="primary",
    ),
    _db(
        """
        await Author.objects.acreate(name='NAME')
        self.assertEqual(await Author.objects.using('replica').filter(name='NAME').acount(), 1)
        """,
        "default",
        "replica",
        kinds=(TRANSACTION,),
        is_async=True,
    ),
)

FAILURES = (
    Piece("self.fail('NAME')"),
    Piece("self.assertEqual({'NAME': 1}, {'NAME': 2})"),
    Piece("self.assertEqual('NAME\\n' * 30, 'NAME \\n' * 30)"),
    Piece("assert 'NAME' == ''"),
    Piece("with self.assertRaises(ValueError):\n    pass"),
    Piece("self.assertContains(self.client.get('/nowhere/'), 'NAME')", DJANGO, is_async=False),
    _db("with self.assertNumQueries(2):\n    Author.objects.filter(name='NAME').exists()"),
    _db("Author.objects.using('other').count()", lacks=frozenset({"other"})),
    Piece("Author.objects.count()", (SIMPLE,), is_async=False),
    _db("with self.captureOnCommitCallbacks() as found:\n    pass\nself.assertEqual(len(found), 1)", kinds=(CASE,)),
    _db("self.assertEqual(Tag.objects.using('replica').count(), 4)", "replica", kinds=(CASE,)),
)

# not with a mirror: an error that breaks the transaction of a TestCase breaks it for the mirror that shares it
ERRORS = (
    Piece("raise ValueError('NAME')"),
    Piece("{}['NAME']"),
    Piece("try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise RuntimeError('NAME') from error"),
    Piece("class Local(Exception):\n    pass\nraise Local('NAME')"),
    Piece("raise ExceptionGroup('NAME', [ValueError('NAME'), TypeError('NAME')])"),
    Piece("raise Unpicklable('NAME', lambda: None)"),
    Piece("raise SystemExit('NAME')", is_async=False),
    Piece("self.client.get('/broken/')", DJANGO, is_async=False),
    Piece("override_settings(NAME=1).disable()"),
    _db("Author.objects.get(name='NAME')"),
    _db("Author.objects.bulk_create([Author(name='NAME'), Author(name='NAME')])", lacks=frozenset({"replica"})),
    _db("with transaction.atomic():\n    Author(name='NAME').save()\n    Author(name='NAME').save()"),
    _db(
        "with transaction.atomic():\n    with suppress(IntegrityError):\n        "
        "Author.objects.bulk_create([Author(name='NAME'), Author(name='NAME')])\n    Author.objects.count()"
    ),
    _db("Author.objects.select_for_update().count()\nlist(Author.objects.select_for_update())", kinds=(TRANSACTION,)),
    _db(
        "with connection.cursor() as cursor:\n    cursor.execute('SELECT * FROM not_there')",
        lacks=frozenset({"replica"}),
    ),
    _db("Book.objects.create(pk=7001, title='NAME', author_id=9001)"),  # a TestCase looks at foreign keys at its end
    _db(
        "author = Author.objects.create(name='NAME')\nwith transaction.atomic():\n    author.book_set.create(pages=-1, pk=7002)",
        engine="sqlite",
    ),
    _db("transaction.set_rollback(True)", kinds=(TRANSACTION,)),
    _db("with self.captureOnCommitCallbacks(execute=True):\n    transaction.on_commit(lambda: 1 / 0)", kinds=(CASE,)),
    _db("transaction.on_commit(lambda: 1 / 0)", kinds=(TRANSACTION,)),
    _db("Author.objects.count()", is_async=True),
    _db("await Author.objects.aget(name='NAME')", is_async=True),
    _db("Author.objects.using('replica').get(name='NAME')", "default", "replica"),
    _db(
        "with connections['replica'].cursor() as cursor:\n    cursor.execute('SELECT * FROM not_there')",
        "replica",
        kinds=(TRANSACTION,),
    ),
)

SKIPS = (
    Piece("self.skipTest('NAME')"),
    Piece("raise unittest.SkipTest('NAME')"),
)

DECORATORS = (
    Piece("@unittest.skip('NAME')"),
    Piece("@unittest.skipIf(True, 'NAME')"),
    Piece("@unittest.skipUnless(True, 'NAME')"),
    Piece("@tag('slow')"),
    Piece("@tag('fast', 'NAME')"),
    Piece("@unittest.expectedFailure"),
    Piece("@unittest.expectedFailure"),
    Piece("@override_settings(GREETING='NAME')"),
    _db("@skipUnlessDBFeature('has_native_uuid_field')", is_async=None),
    _db("@skipIfDBFeature('supports_transactions')", is_async=None),
)


class Picker:
    """Chooses among pieces, and gives each its own word."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self._words = 0

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def word(self, prefix: str = "w") -> str:
        self._words += 1
        return f"{prefix}{self._words}"

    def lines(self, pieces: Collection[Piece], place: Place) -> list[str]:
        """The lines of one piece that fits *place*; pieces that use the mirror have four times the weight."""
        fitting = [each for each in pieces if each.fits(place)]
        (piece,) = self.rng.choices(fitting, [4 if "replica" in each.needs else 1 for each in fitting])
        return self.text(piece.text)

    def text(self, text: str) -> list[str]:
        return textwrap.dedent(text).strip().replace("NAME", self.word()).splitlines()
