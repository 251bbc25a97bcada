"""What is missing from the settings is named with its fix."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from conversations.conf import genesys_config


def test_the_platforms_settings_are_read_when_asked_for(settings):
    settings.GENESYS_API_URL = "https://api.mypurecloud.ie"
    settings.GENESYS_OAUTH_STYLE = "form"

    config = genesys_config()

    assert (config.api_url, config.oauth_style) == ("https://api.mypurecloud.ie", "form")


@pytest.mark.parametrize("name", ["GENESYS_CLIENT_ID", "GENESYS_CLIENT_SECRET"])
def test_a_missing_credential_is_named(name: str, settings):
    setattr(settings, name, "")

    with pytest.raises(ImproperlyConfigured, match=name):
        genesys_config()


def test_the_secret_is_not_in_the_configurations_text(settings):
    settings.GENESYS_CLIENT_SECRET = "CANARY-secret"

    assert "CANARY" not in repr(genesys_config())
