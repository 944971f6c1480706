"""The embedded PostgreSQL: started on demand, shared, stopped with its last user, whoever dies."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from config.embedded.server import ServerDidNotStart, address, wait_until_stopped
from tests.config.embedded_users import (
    User,
    keeper,
    kill,
    postmaster,
    send_everybody_away,
    stopped,
    until,
)

# The server's folder is initialised once in about a second: these tests share a worker.
pytestmark = pytest.mark.xdist_group("embedded")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder that PostgreSQL's own user may reach: every run of pytest closes pytest's."""
    with tempfile.TemporaryDirectory(prefix="gallop-tests-") as home:
        yield Path(home)


@pytest.fixture
def folder(home: Path) -> Iterator[Path]:
    """A data folder that every test finds, and leaves, stopped; what is written in it stays."""
    folder = home / "postgres"
    yield folder
    send_everybody_away()
    until(lambda: stopped(folder))


def answers(user: User) -> bool:
    """Tell whether the database takes a question now."""
    try:
        return user.ask("SELECT 1") == 1
    except psycopg.OperationalError:
        return False


def test_the_first_user_starts_the_server_and_the_last_one_stops_it(folder: Path) -> None:
    assert not folder.exists() or stopped(folder)
    user = User(folder)
    assert user.ask("SELECT current_database()") == "gallop"
    user.leave()
    until(lambda: stopped(folder))


def test_it_listens_on_no_network_address(folder: Path) -> None:
    user = User(folder)
    assert user.ask("SHOW listen_addresses") == ""
    assert Path(user.address).is_dir()
    user.leave()


def test_two_users_share_one_server_and_either_may_leave_first(folder: Path) -> None:
    first, second = User(folder), User(folder)
    server = postmaster(folder)
    assert first.address == second.address
    first.leave()
    assert answers(second)
    assert postmaster(folder) == server
    second.leave()


def test_users_who_start_at_the_same_moment_share_one_server(folder: Path) -> None:
    users = [User(folder, start_only=True) for _ in range(4)]
    assert len({user.arrived() for user in users}) == 1
    assert all(answers(user) for user in users)
    assert keeper(folder).is_running()
    for user in users:
        user.leave()


def test_what_was_written_is_there_after_a_stop(folder: Path) -> None:
    first = User(folder)
    first.ask("CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer")
    first.leave()
    until(lambda: stopped(folder))
    second = User(folder)
    assert second.ask("SELECT answer FROM kept") == 42
    second.leave()


def test_a_newcomer_who_comes_while_the_server_stops_gets_a_running_one(folder: Path) -> None:
    User(folder).leave()
    newcomer = User(folder)
    assert answers(newcomer)
    newcomer.leave()


def test_a_user_killed_with_9_does_not_keep_the_server_alive(folder: Path) -> None:
    User(folder).kill()
    until(lambda: stopped(folder))


def test_a_user_killed_with_9_takes_the_server_from_nobody(folder: Path) -> None:
    first, second = User(folder), User(folder)
    first.kill()
    assert answers(second)
    second.leave()


def test_the_next_user_adopts_the_server_of_a_killed_keeper(folder: Path) -> None:
    first = User(folder)
    server = postmaster(folder)
    kill(keeper(folder))
    second = User(folder)
    assert postmaster(folder) == server
    assert keeper(folder).is_running()
    assert answers(first)
    first.leave()
    assert answers(second)
    second.leave()


def test_a_server_left_alone_by_keeper_and_users_is_adopted_and_stopped(folder: Path) -> None:
    user = User(folder)
    kill(keeper(folder))
    user.kill()
    assert postmaster(folder) is not None
    User(folder).leave()


def test_a_killed_server_is_brought_back_while_it_has_users(folder: Path) -> None:
    user = User(folder)
    server = postmaster(folder)
    assert server is not None
    kill(server)
    until(lambda: postmaster(folder) not in {None, server} and answers(user))
    user.leave()


def test_a_committed_row_survives_a_killed_server(folder: Path) -> None:
    user = User(folder)
    user.ask("CREATE TABLE IF NOT EXISTS survivor AS SELECT 7 AS answer")
    server = postmaster(folder)
    assert server is not None
    kill(server)
    until(lambda: answers(user))
    assert user.ask("SELECT answer FROM survivor") == 7
    user.leave()


def test_a_first_start_cut_off_in_the_middle_begins_afresh(home: Path) -> None:
    folder = home / "cut-off"
    unlucky = User(folder, start_only=True)
    until((folder / "data" / "PG_VERSION").exists)
    first_keeper = keeper(folder)
    for process in [first_keeper, *first_keeper.children(recursive=True)]:
        kill(process)
    unlucky.kill()
    again = User(folder)
    assert answers(again)
    assert again.ask("SELECT current_database()") == "gallop"
    again.leave()
    until(lambda: stopped(folder))


def test_everything_killed_at_once_starts_again(folder: Path) -> None:
    user = User(folder)
    server = postmaster(folder)
    assert server is not None
    kill(keeper(folder))
    kill(server)
    user.kill()
    again = User(folder)
    assert answers(again)
    again.leave()


def test_a_user_who_comes_the_moment_after_a_server_was_killed_waits_for_the_next(
    folder: Path,
) -> None:
    first = User(folder)
    server = postmaster(folder)
    assert server is not None
    kill(keeper(folder))
    kill(server)
    second = User(folder)
    assert second.ask("SELECT 1") == first.ask("SELECT 1") == 1
    first.leave()
    second.leave()


def leave_a_pid_file(folder: Path, pid: str) -> None:
    """Stop the server and put back its pid file, with another pid."""
    user = User(folder)
    pid_file = folder / "data" / "postmaster.pid"
    _, *further_lines = pid_file.read_text().split("\n")
    user.leave()
    until(lambda: stopped(folder))
    pid_file.write_text("\n".join([pid, *further_lines]))


def test_a_pid_file_that_names_another_program_is_no_obstacle(folder: Path) -> None:
    bystander = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    )
    leave_a_pid_file(folder, str(bystander.pid))
    user = User(folder)
    assert answers(user)
    assert bystander.poll() is None, "the bystander must be left alone"
    user.leave()
    bystander.communicate()


def test_a_pid_file_of_a_program_long_gone_is_no_obstacle(folder: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    leave_a_pid_file(folder, str(gone.pid))
    user = User(folder)
    assert answers(user)
    user.leave()


def test_a_pid_file_of_a_server_that_is_a_zombie_is_no_obstacle(
    folder: Path, tmp_path: Path
) -> None:
    # In a container whose first process reaps nothing, a killed server stays like this.
    program = tmp_path / "postgres"
    program.symlink_to(sys.executable)
    zombie = subprocess.Popen([program, "-c", ""], stderr=subprocess.DEVNULL)
    dead = psutil.Process(zombie.pid)
    until(lambda: dead.status() == psutil.STATUS_ZOMBIE)
    assert dead.name() == "postgres"
    leave_a_pid_file(folder, str(zombie.pid))
    user = User(folder)
    assert answers(user)
    zombie.wait()
    user.leave()


def test_a_pid_file_cut_short_by_a_crash_is_no_obstacle(folder: Path) -> None:
    leave_a_pid_file(folder, "")
    user = User(folder)
    assert answers(user)
    user.leave()


def test_waiting_for_the_end_returns_when_the_server_is_gone(folder: Path) -> None:
    user = User(folder)
    user.process.communicate(timeout=60)
    wait_until_stopped(folder)
    assert postmaster(folder) is None


def test_a_server_that_cannot_start_is_reported_with_its_log_and_a_way_out(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "postgres"
    folder.mkdir()
    (folder / "data").write_text("no folder")
    with pytest.raises(ServerDidNotStart) as refused:
        address(folder)
    assert str(folder / "keeper.log") in str(refused.value)
    assert "set DATABASE_URL" in str(refused.value)
    assert "data" in (folder / "keeper.log").read_text()
