from __future__ import annotations

import stat
from pathlib import Path

import pytest

from inspector.config import Settings, choose_profile, find_key, load_settings
from inspector.core.dialect_evidence import dialect_of_url
from inspector.errors import UsageError
from inspector.folders import find_folders, make_folder
from inspector.profiles import PROFILES, find_provider, needs_key
from inspector.sim.dialects import SIMULATED
from inspector.spec.dialects import DIALECTS, HOSTS, ROUTES, SPOKEN


def test_flags_override_the_environment_which_overrides_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('model = "file"\ntheme = "file"\nurl = "ws://file"\n[keys]\nquit = "f9"\n')
    environment = {"INSPECTOR_MODEL": "environment", "INSPECTOR_THEME": "environment"}
    settings = load_settings({"model": "flag", "theme": None}, environment, file)

    assert (settings.model, settings.theme, settings.url) == ("flag", "environment", "ws://file")
    assert settings.profile == ""
    assert settings.keys == {"quit": "f9"}


def test_a_nearer_key_source_replaces_the_other_kind(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('key_file = "from-file"\n')

    near = load_settings({"key_env": "MINE"}, {"INSPECTOR_KEY_FILE": "x"}, file)

    assert (near.key_env, near.key_file) == ("MINE", "")
    assert load_settings({}, {"INSPECTOR_KEY_ENV": "E"}, file).key_file == ""
    assert load_settings({}, {}, file).key_file == "from-file"


def test_no_file_means_defaults(tmp_path: Path) -> None:
    assert load_settings({}, {}, tmp_path / "absent.toml") == Settings()


@pytest.mark.parametrize(
    "text",
    ["model = ", "modle = 'x'", "model = 3", "api_key = 'sk-1'", "key = 'x'", "keys = 'x'", "\xff"],
)
def test_a_bad_file_is_a_usage_error_that_shows_no_value(text: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError) as caught:
        load_settings({}, {}, file)

    assert caught.value.code == "bad_config"
    assert "sk-1" not in caught.value.message


@pytest.mark.parametrize(
    ("url", "profile"),
    [
        ("", "openai"),
        ("wss://api.openai.com/v1/realtime", "openai"),
        ("https://eu.api.openai.com", "openai"),
        ("https://res.openai.azure.com", "azure"),
        ("api.x.ai", "xai"),
        ("wss://api.openai.com.evil.example", "custom"),
        ("wss://evilapi.openai.com.example", "custom"),
        ("ws://localhost:8080", "custom"),
    ],
)
def test_the_profile_follows_the_host(url: str, profile: str) -> None:
    chosen = choose_profile(Settings(url=url))

    assert chosen.name == profile
    assert needs_key(url or chosen.address) == (profile != "custom")


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(UsageError):
        choose_profile(Settings(profile="nope"))


def test_the_key_of_one_provider_does_not_go_to_an_unknown_host() -> None:
    profile = choose_profile(Settings(url="ws://localhost:1"))

    assert find_key(Settings(), profile, {"OPENAI_API_KEY": "sk-1"}) is None


def test_the_key_comes_from_the_variable_or_the_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("  sk-file\n")
    openai = PROFILES["openai"]
    environment = {"OPENAI_API_KEY": "sk-env", "MINE": "sk-mine"}
    keys = [
        find_key(settings, openai, environment)
        for settings in (Settings(), Settings(key_env="MINE"), Settings(key_file=str(file)))
    ]

    assert [key.reveal() for key in keys if key is not None] == ["sk-env", "sk-mine", "sk-file"]
    assert find_key(Settings(), openai, {}) is None


@pytest.mark.parametrize("text", ["", "two words", "line\nline", "‘sk-1’", "sk-\x00"])
def test_an_invalid_key_is_rejected_without_showing_it(text: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        find_key(Settings(key_file=str(file)), PROFILES["openai"], {})

    assert caught.value.code == "bad_key"
    assert not text or text not in caught.value.message


def test_a_missing_key_source_is_named(tmp_path: Path) -> None:
    for settings in (Settings(key_env="NOT_SET"), Settings(key_file=str(tmp_path / "none"))):
        with pytest.raises(UsageError):
            find_key(settings, PROFILES["openai"], {})


def test_recordings_go_to_sessions_here_when_it_exists(tmp_path: Path) -> None:
    elsewhere = find_folders("", tmp_path).sessions
    (tmp_path / "sessions").mkdir()

    assert elsewhere != tmp_path / "sessions"
    assert find_folders("", tmp_path).sessions == tmp_path / "sessions"
    assert find_folders("/x/y", tmp_path).sessions == Path("/x/y")


def test_folders_are_created_for_their_owner_only(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a" / "b")

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


def test_the_id_of_a_binding_needs_no_quotes(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[keys]\nsession.send = "x"\n"session.cancel" = "y"\n')

    assert load_settings({}, {}, file).keys == {"session.send": "x", "session.cancel": "y"}


PROFILE_FILE = """
profile = "work"
key_env = "EVERYWHERE"
[profiles.work]
provider = "azure"
url = "https://res.openai.azure.com"
model = "my-deployment"
key_env = "WORK_KEY"
session = "support.json"
headers = { X-Team = "voice" }
[profiles.try]
url = "sim"
dialect = "beta"
"""


def profile_file(folder: Path) -> Path:
    file = folder / "config.toml"
    file.write_text(PROFILE_FILE)
    return file


def test_a_profile_fills_in_settings_that_no_nearer_source_has(tmp_path: Path) -> None:
    settings = load_settings({"model": "other"}, {}, profile_file(tmp_path))

    assert (settings.url, settings.model) == ("https://res.openai.azure.com", "other")
    assert (settings.key_env, dict(settings.headers)) == ("WORK_KEY", {"X-Team": "voice"})
    assert settings.session == str(tmp_path / "support.json")
    assert choose_profile(settings).name == "azure"


def test_only_the_nearest_profile_counts(tmp_path: Path) -> None:
    file = profile_file(tmp_path)

    trying = load_settings({"profile": "try"}, {}, file)
    provider = load_settings({}, {"INSPECTOR_PROFILE": "xai"}, file)

    assert (trying.url, trying.dialect, trying.session) == ("sim", "beta", "")
    assert (provider.url, provider.key_env) == ("", "EVERYWHERE")
    assert choose_profile(provider).name == "xai"


def test_a_url_from_nearer_than_the_profile_gets_neither_its_key_nor_its_headers(
    tmp_path: Path,
) -> None:
    settings = load_settings({"url": "ws://elsewhere"}, {}, profile_file(tmp_path))

    assert (settings.profile, settings.key_env, settings.headers) == ("", "EVERYWHERE", {})
    assert choose_profile(settings).name == "custom"


def test_the_simulator_is_not_asked_for_the_model_of_another_server(tmp_path: Path) -> None:
    file = profile_file(tmp_path)

    assert load_settings({}, {}, file).simulator_model == ""
    assert load_settings({"model": "mine"}, {}, file).simulator_model == "mine"


@pytest.mark.parametrize(
    "line",
    [
        'key = "abcdefgh"',
        'key_env = "sk-proj-abcdefghijklmnop"',
        'openai_api_key = "abcdefgh"',
        'headers = { Authorization = "Bearer abcdefgh" }',
        'headers = { X-Token = "abcdefgh" }',
        'headers = { X-Team = "0123456789abcdef0123456789abcdef" }',
        'url = "wss://me:abcdefgh@host"',
        'url = "wss://host?api_key=abcdefgh"',
        'model = "sk-abcdefghij"',
    ],
)
def test_a_profile_with_a_key_in_it_is_rejected_without_repeating_it(
    line: str, tmp_path: Path
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"[profiles.p]\n{line}\n")
    with pytest.raises(UsageError, match="looks like an API key") as caught:
        load_settings({}, {}, file)

    assert "key_env" in caught.value.hint
    assert "abcdefgh" not in f"{caught.value}{caught.value.hint}"


@pytest.mark.parametrize(
    "text",
    [
        "profiles = 3",
        "[profiles]\np = 3",
        "[profiles.p]\nmodle = 'x'",
        "[profiles.p]\nmodel = 3",
        "[profiles.p]\nheaders = 'x'",
        "[profiles.p]\nheaders = { a = 3 }",
        "[profiles.p]\nprovider = 'nobody'",
        "[profiles.p]\ndialect = 'klingon'",
        "[profiles.p]\nkey_env = 'A'\nkey_file = 'b'",
    ],
)
def test_an_invalid_profile_is_named(text: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_settings({}, {}, file)

    assert caught.value.code == "bad_config"
    assert "profile" in caught.value.message


def test_the_dialects_of_profiles_are_those_of_the_simulator() -> None:
    assert tuple(SIMULATED) == SPOKEN
    assert DIALECTS.keys() >= set(SPOKEN)
    assert {name: spoken.path for name, spoken in SIMULATED.items()} == {
        name: route.path for name, route in ROUTES.items()
    }


def test_a_host_tells_profile_and_inspector_the_same_provider() -> None:
    for name, hosts in HOSTS.items():
        for host in hosts:
            url = f"wss://{'x' * host.startswith('.')}{host}/v1/realtime"

            assert find_provider("", url, {}).name == name
            assert needs_key(url)
            assert dialect_of_url(url) == (name if name != "openai" else "")
