from django.urls import path, register_converter
from django.urls.converters import StringConverter

from generations import api, views


class FilmPart(StringConverter):
    """The files of a job that have an address."""

    regex = r"video\.mp4|poster\.jpg|strip\.jpg|picture"


register_converter(FilmPart, "film_part")

urlpatterns = [
    path("", views.landing, name="landing"),
    path("create", views.create, name="create"),
    path("gallery", views.gallery, name="gallery"),
    path("docs", views.docs, name="docs"),
    path("films/<uuid:pk>", views.film, name="film"),
    path("films/<uuid:pk>/<film_part:part>", views.film_file, name="film_file"),
    path("uploads/<str:token>/<str:filename>", api.upload_file, name="upload_file"),
    path("hooks/wavespeed/<uuid:pk>", views.wavespeed_hook, name="wavespeed_hook"),
    path("api/v3/balance", api.BalanceView.as_view(), name="api_balance"),
    path("api/v3/media/uploads", api.UploadTicketView.as_view(), name="api_uploads"),
    path("api/v3/media/uploads/<str:token>", api.UploadPutView.as_view(), name="api_upload_put"),
    path("api/v3/media/upload/binary", api.UploadBinaryView.as_view(), name="api_upload_binary"),
    path(
        "api/v3/predictions/<str:prediction_id>/result", api.ResultView.as_view(), name="api_result"
    ),
    path(
        "api/v3/predictions/<str:prediction_id>", api.ResultView.as_view(), name="api_result_alias"
    ),
    path("api/v3/<path:model>", api.SubmitView.as_view(), name="api_submit"),
]
