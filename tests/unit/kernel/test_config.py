"""Settings are read strictly and named in what is said about them."""

import pytest

from app.config import BadSetting, Settings


def test_defaults_need_no_environment() -> None:
    settings = Settings.from_env({})

    assert settings.port == 8000
    assert settings.base_url == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SUXIN_PORT", "0"),
        ("SUXIN_PORT", "70000"),
        ("SUXIN_PORT", "８０００"),
        ("SUXIN_PORT", "-1"),
        ("SUXIN_DEMO", "maybe"),
        ("SUXIN_DATABASE_URL", "mysql://user:secret@host/db"),
        ("SUXIN_BROKER_URL", "http://host"),
        ("SUXIN_BASE_URL", "https://host/path"),
        ("SUXIN_LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_is_refused_by_name_without_repeating_it(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name) as refused:
        Settings.from_env({name: value})

    assert value not in str(refused.value)
    assert refused.value.__cause__ is None


def test_an_empty_variable_counts_as_not_set() -> None:
    assert Settings.from_env({"SUXIN_PORT": ""}).port == 8000
