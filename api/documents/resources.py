"""What a job needs: nodes, CPUs, memory, disk and time, exact or as a choice for the scheduler.

CPUs, memory and disk are per node. ``totalCpusRange`` counts CPUs over all nodes. Beside one of the CPU
fields it leaves the number of nodes to the service; alone, the CPUs of a node follow from it and ``nodes``.
"""

from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema, model_validator

from api.documents.base import Document, broken
from api.documents.wording import kind

MAX_NODES = 10_000
MAX_CPUS = 100_000
MAX_TOTAL_CPUS = 1_000_000
MAX_GIGABYTES = 1_000_000
MAX_WALLTIME = 5_256_000
"""Minutes in ten years."""


def _gigabytes(value: object) -> int | float:
    # An integer stays an integer, so that an answer shows 8 where 8 was submitted.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise broken(f"must be a number of gigabytes, not {kind(value)}")
    if not 0 < value <= MAX_GIGABYTES:
        raise broken(f"must be more than 0 and at most {MAX_GIGABYTES} gigabytes, not {value!r}")
    return value


def _two_numbers(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise broken("must be a list of two whole numbers")
    return value


def _ascending(value: tuple[int, int]) -> tuple[int, int]:
    if value[0] > value[1]:
        raise broken(f"must be [min, max] with min not above max, not [{value[0]}, {value[1]}]")
    return value


Gigabytes = Annotated[
    int | float,
    PlainValidator(_gigabytes),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": MAX_GIGABYTES}),
]
CpuCount = Annotated[int, Field(ge=1, le=MAX_CPUS)]
TotalCpuCount = Annotated[int, Field(ge=1, le=MAX_TOTAL_CPUS)]
# Lists come from JSON; as tuples they cannot change behind the validation (hence not strict about the type).
CpuPair = Annotated[tuple[CpuCount, CpuCount], Field(strict=False), BeforeValidator(_two_numbers)]
CpuRange = Annotated[CpuPair, AfterValidator(_ascending)]
TotalCpuRange = Annotated[
    tuple[TotalCpuCount, TotalCpuCount],
    Field(strict=False),
    BeforeValidator(_two_numbers),
    AfterValidator(_ascending),
]


def fit_nodes(total: tuple[int, int], cpus: range | tuple[int, ...]) -> int | None:
    """How many equal nodes give a total in the range, None where none do.

    ``cpus`` are the allowed numbers of CPUs per node. The largest nodes win, and of these as many as the
    total allows: few large nodes compute faster together than many small ones.
    """
    for size in sorted(cpus, reverse=True):
        nodes = min(total[1] // size, MAX_NODES)
        if nodes * size >= total[0] and nodes >= 1:
            return nodes
    return None


_CPUS_OF_A_NODE = [{"required": [name]} for name in ("cpus", "cpusRange", "cpusOptions")]


class Resources(Document):
    """What each node of a job needs, and how many nodes.

    Exactly one of cpus, cpusRange and cpusOptions is given, or totalCpusRange alone; exactly one of memory and
    memoryPerCpu. Beside one of the first three totalCpusRange gives the number of nodes, so nodes is left out, and some
    number of nodes of the allowed sizes must have a total in the range; alone it must have room for as many CPUs on each
    of the nodes. In a range the first number is not above the second.
    """

    rules: ClassVar[dict[str, Any]] = {
        "allOf": [
            {"oneOf": [*_CPUS_OF_A_NODE, {"required": ["totalCpusRange"], "not": {"anyOf": _CPUS_OF_A_NODE}}]},
            {"oneOf": [{"required": ["memory"]}, {"required": ["memoryPerCpu"]}]},
            {
                "if": {"required": ["totalCpusRange"], "anyOf": _CPUS_OF_A_NODE},
                "then": {"properties": {"nodes": {"const": 1}}},
            },
        ]
    }

    nodes: int = Field(default=1, ge=1, le=MAX_NODES, description="Number of nodes.")
    cpus: CpuCount | None = Field(default=None, description="CPU cores per node.")
    cpus_range: CpuRange | None = Field(
        default=None,
        description="Fewest and most CPU cores per node, [min, max]; any number between will do.",
    )
    cpus_options: CpuPair | None = Field(
        default=None,
        description="Two numbers of CPU cores per node; either will do, the larger is preferred.",
    )
    total_cpus_range: TotalCpuRange | None = Field(
        default=None,
        description="Fewest and most CPU cores over all nodes, [min, max]; the nodes follow from it.",
    )
    memory: Gigabytes | None = Field(default=None, description="Memory per node in GB.")
    memory_per_cpu: Gigabytes | None = Field(default=None, description="Memory per CPU core in GB.")
    disk: int = Field(default=10, ge=1, le=MAX_GIGABYTES, description="Scratch disk per node in GB.")
    walltime: int = Field(default=720, ge=1, le=MAX_WALLTIME, description="Longest time the job may run, in minutes.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ways = sum(way is not None for way in (self.cpus, self.cpus_range, self.cpus_options))
        if ways > 1 or (ways == 0 and self.total_cpus_range is None):
            raise broken("needs exactly one of cpus, cpusRange and cpusOptions")
        if (self.memory is None) == (self.memory_per_cpu is None):
            raise broken("needs exactly one of memory and memoryPerCpu (GB)")
        if ways == 0 and self.cpus_min > self.cpus_max:
            raise broken(f"cannot be shared evenly by {self.nodes} nodes: widen it", "totalCpusRange")
        if ways == 1 and self.total_cpus_range is not None:
            self._check_total(self.total_cpus_range)
        return self

    def _check_total(self, total: tuple[int, int]) -> None:
        if self.nodes > 1:
            raise broken("must not stand beside totalCpusRange, from which the nodes follow", "nodes")
        if fit_nodes(total, self._node_sizes() or ()) is None:
            raise broken("cannot be met by any number of nodes with these CPUs each: widen it", "totalCpusRange")

    def _node_sizes(self) -> range | tuple[int, ...] | None:
        """The numbers of CPUs that a node may have, None where only the total is given."""
        if self.cpus is not None:
            return (self.cpus,)
        if self.cpus_range is not None:
            return range(self.cpus_range[0], self.cpus_range[1] + 1)
        return self.cpus_options

    def _total(self) -> tuple[int, int]:
        return self.total_cpus_range or (1, 1)

    @property
    def cpus_min(self) -> int:
        """The fewest CPU cores that a node of the job may have."""
        sizes = self._node_sizes()
        return min(sizes) if sizes else -(-self._total()[0] // self.nodes)

    @property
    def cpus_max(self) -> int:
        """The most CPU cores that a node of the job can use."""
        sizes = self._node_sizes()
        return max(sizes) if sizes else self._total()[1] // self.nodes

    @property
    def memory_gb(self) -> float:
        """Memory of a node in GB; where it is given per CPU, that of a node with the fewest CPUs."""
        if self.memory is not None:
            return self.memory
        return (self.memory_per_cpu or 0) * self.cpus_min

    @property
    def effective_nodes(self) -> int:
        """Number of nodes; beside ``totalCpusRange`` it follows from it, as ``fit_nodes`` has it."""
        sizes = self._node_sizes()
        if self.total_cpus_range is None or sizes is None:
            return self.nodes
        return fit_nodes(self.total_cpus_range, sizes) or self.nodes
