from django.core.paginator import Paginator
from django.utils.functional import cached_property


class LightPaginator(Paginator):
    """Counts on the replica: it is the slowest query of the page."""

    @cached_property
    def count(self):
        return self.object_list.using("replica").count()  # read: pagination
