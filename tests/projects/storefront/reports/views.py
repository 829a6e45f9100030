from datetime import timedelta

from django.contrib.auth.decorators import permission_required
from django.http import JsonResponse, StreamingHttpResponse
from django.utils import timezone

from reports import sales
from reports.export import csv_rows


@permission_required("reports.view_reportedorder", raise_exception=True)
def overview(request):
    recent = sales.overview(timezone.now())
    return JsonResponse(
        {
            "orders": recent["orders"],
            "revenue": f"{recent['revenue']:.2f}",
            "average": recent["average"] and f"{recent['average']:.2f}",
            "best_sellers": sales.best_sellers(5),
        }
    )


@permission_required("reports.view_reportedorder", raise_exception=True)
def sales_csv(request):
    now = timezone.now()
    rows = csv_rows(sales.by_day(now - timedelta(days=365), now))
    return StreamingHttpResponse(
        rows, content_type="text/csv", headers={"Content-Disposition": 'attachment; filename="sales.csv"'}
    )
