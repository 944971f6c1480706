"""The pages: what people open. Programs: generations.api_urls."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from generations import (
    api,
    docs_pages,
    film_pages,
    gallery_pages,
    key_pages,
    leaving_pages,
    metrics_page,
    share_pages,
    sitemap,
    usage_pages,
    views,
)


class FilmPart(StringConverter):
    """The files of a job that have an address."""

    regex = r"video\.mp4|poster\.jpg|poster-small\.webp|strip\.jpg|preview\.mp4|picture"


class SharedPart(StringConverter):
    """The files of a shared film."""

    regex = r"video\.mp4|poster\.jpg|poster-small\.webp"


register_converter(FilmPart, "film_part")
register_converter(SharedPart, "shared_part")

urlpatterns = [
    path("", views.landing, name="landing"),
    path("create", views.create, name="create"),
    path("create/recent", gallery_pages.recent, name="recent"),
    path("gallery", gallery_pages.films, name="gallery"),
    path("gallery/download", gallery_pages.download, name="films_download"),
    path("gallery/delete", gallery_pages.delete, name="films_delete"),
    path("gallery/restore", gallery_pages.restore, name="films_restore"),
    path("gallery/deleted", gallery_pages.deleted, name="films_deleted"),
    path("docs", docs_pages.docs, name="docs"),
    path("sitemap.xml", sitemap.sitemap, name="sitemap"),
    path("docs/api", docs_pages.reference, name="docs_api"),
    path("docs/<slug:slug>", docs_pages.guide, name="guide"),
    path("films/<uuid:pk>", film_pages.film, name="film"),
    path("films/<uuid:pk>/cancel", film_pages.cancel, name="cancel"),
    path("films/<uuid:pk>/title", film_pages.title, name="film_title"),
    path("films/<uuid:pk>/favourite", film_pages.favourite, name="film_favourite"),
    path("films/<uuid:pk>/share", film_pages.share, name="film_share"),
    path("films/<uuid:pk>/unshare", film_pages.unshare, name="film_unshare"),
    path("films/<uuid:pk>/last-frame", film_pages.last_frame, name="film_last_frame"),
    path("films/<uuid:pk>/delete", film_pages.delete, name="film_delete"),
    path("films/<uuid:pk>/<film_part:part>", film_pages.film_file, name="film_file"),
    path("s/<slug:word>", share_pages.shared, name="shared"),
    path("s/<slug:word>/<shared_part:part>", share_pages.shared_file, name="shared_file"),
    path("uploads/<str:token>/<str:filename>", api.upload_file, name="upload_file"),
    path("hooks/wavespeed/<uuid:pk>", views.wavespeed_hook, name="wavespeed_hook"),
    # Here, because the pages show what was made with each key.
    path("account/export", leaving_pages.export, name="account_export"),
    path("account/delete", leaving_pages.delete, name="account_delete"),
    path("account/usage", usage_pages.usage_page, name="usage"),
    path("account/usage.csv", usage_pages.usage_csv, name="usage_csv"),
    path("account/keys", key_pages.key_list, name="keys"),
    path("account/keys/<int:pk>", key_pages.key_detail, name="key"),
    path("account/keys/<int:pk>/secret", key_pages.key_secret, name="key_secret"),
    path("account/keys/<int:pk>/secret/end", key_pages.key_secret_end, name="key_secret_end"),
    path("account/keys/<int:pk>/revoke", key_pages.key_revoke, name="key_revoke"),
    path("metrics", metrics_page.metrics, name="metrics"),
]
