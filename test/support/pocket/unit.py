"""One service: the states of systemd.service(5) that a person or the agent can see from outside."""

import os
import pwd
import signal
import subprocess
import time

from . import unitfile
from .journal import Journal
from .notify import NotifySocket
from .processes import die_with_parent, members

CLEAN_SIGNALS = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE}
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LOOK_AGAIN = 0.02


class Unit:
    """`host` gives time and file descriptors (see pocket-systemd.py). Nothing here blocks."""

    def __init__(self, host, name):
        self.host, self.name = host, name
        self.settings = {}
        self.journal = Journal(os.path.join(host.root, "var/log/journal"), name)
        self.active, self.sub, self.result = "inactive", "dead", "success"
        self.main_pid = self.exec_pid = self.exec_code = self.exec_status = self.restarts = 0
        self.status_text = ""
        # Of the monotonic clock, in microseconds; 0: never.
        self.started_us = self.ended_us = self.heard_us = 0
        self.session = 0
        self.start_waiters, self.stop_waiters = [], []
        self.stopping = self.start_again = False
        self.timer = self.watchdog = self.notify = None
        self.drain = lambda: False

    # What systemctl asks for. `done(ok)` is called once, when the job has ended.

    def start(self, done):
        if self.active == "active":
            return done(True)
        self.start_waiters.append(done)
        if self.sub == "auto-restart":
            self._cancel()
            self._spawn()
        elif self.active == "deactivating":
            self.start_again = True
        elif self.active in ("inactive", "failed"):
            self.restarts = 0
            self._spawn()

    def stop(self, done):
        for part in self.host.parts_of(self.name):
            part.stop(lambda _ok: None)
        if self.sub == "auto-restart" or self.active in ("inactive", "failed"):
            self._cancel()
            if self.active != "failed":
                self._become("inactive", "dead")
            self._answer("start_waiters", False)
            return done(True)
        self.stop_waiters.append(done)
        self.start_again = False
        if not self.stopping:
            self.stopping = True
            self._end_processes()

    def restart(self, done):
        parts = [part for part in self.host.parts_of(self.name) if part.active in ("active", "activating")]
        self.stop(lambda _ok: None)
        for part in parts:
            part.restart(lambda _ok: None)
        self.result = "success"
        if self.active == "deactivating":
            self.start_waiters.append(done)
            self.start_again = True
        else:
            self.start(done)

    def kill(self, number, whom="all"):
        pids = [self.main_pid] if whom == "main" else members(self.session)
        for pid in filter(None, pids):
            _signal(pid, number)

    def reload(self):
        argv = unitfile.command(self.settings, "ExecReload", self.host.root)
        if self.active != "active" or not argv:
            return False
        argv = [word.replace("$MAINPID", str(self.main_pid)) for word in argv]
        return subprocess.run(argv, check=False).returncode == 0

    def reset_failed(self):
        self.restarts = 0
        if self.active == "failed":
            self._become("inactive", "dead")
            self.result = "success"

    def properties(self):
        loaded = unitfile.find(self.host.root, self.name)
        return {
            "Id": self.name,
            "LoadState": "loaded" if loaded else "not-found",
            "FragmentPath": loaded or "",
            "ActiveState": self.active,
            "SubState": self.sub,
            "Result": self.result,
            "MainPID": self.main_pid,
            "ExecMainPID": self.exec_pid,
            "ExecMainCode": self.exec_code,
            "ExecMainStatus": self.exec_status,
            "NRestarts": self.restarts,
            "ExecMainStartTimestampMonotonic": self.started_us,
            "ExecMainExitTimestampMonotonic": self.ended_us,
            "WatchdogTimestampMonotonic": self.heard_us,
            "WatchdogUSec": f"{unitfile.last(self.settings, 'WatchdogSec') or 0}s",
            "StatusText": self.status_text,
            "NotifyAccess": unitfile.last(self.settings, "NotifyAccess"),
        }

    def part_of(self):
        return " ".join(self.settings.get("Unit.PartOf", [])).split()

    # Coming up

    def _spawn(self):
        root = self.host.root
        settings = unitfile.read(root, self.name)
        if settings is None:
            return self._answer("start_waiters", False)
        self.settings, self.status_text, self.result = settings, "", "success"
        self.stopping = self.start_again = False
        self.session = 0
        argv = unitfile.command(settings, "ExecStart", root)
        read_end, write_end = os.pipe()
        account = self._account()
        self._directories(account)
        self._open_notify()
        self._become("activating", "start")
        try:
            standard, for_output = self._standard_file()
        except OSError as error:
            os.close(read_end)
            os.close(write_end)
            self.journal.manager(f"{self.name}: Failed to set up standard input: {error.strerror}", 3)
            return self._main_ended(1, 208)
        try:
            process = subprocess.Popen(
                argv,
                stdin=standard or subprocess.DEVNULL,
                stdout=standard if for_output else write_end,
                stderr=write_end,
                cwd=root + unitfile.last(settings, "WorkingDirectory", "/"),
                env=self._environment(write_end, account),
                start_new_session=True,
                preexec_fn=die_with_parent,
                **({"user": account.pw_uid, "group": account.pw_gid} if account and os.geteuid() == 0 else {}),
            )
        except OSError as error:
            os.close(read_end)
            self.journal.manager(f"{self.name}: Failed to execute {argv[0] if argv else '(nothing)'}: {error.strerror}", 3)
            return self._main_ended(1, 203)
        finally:
            os.close(write_end)
            if standard is not None:
                os.close(standard)
        process.returncode = 0  # the host reaps every child
        self.main_pid = self.exec_pid = self.session = process.pid
        self.exec_code = self.exec_status = 0
        self.started_us, self.ended_us, self.heard_us = _now_us(), 0, 0
        self.host.children[process.pid] = self
        self._relay(read_end, os.path.basename(argv[0]), process.pid)
        self._await_start()
        for wanted in unitfile.wants(root, self.name):
            self.host.unit(wanted).start(lambda _ok: None)

    def _await_start(self):
        kind = unitfile.last(self.settings, "Type", "simple")
        if kind in ("simple", "exec"):
            return self._started()
        limit = unitfile.seconds(self.settings, "TimeoutStartSec", None if kind == "oneshot" else 90)
        if limit is not None:
            self.timer = self.host.later(limit, self._start_timeout)

    def _start_timeout(self):
        self.journal.manager(f"{self.name}: start operation timed out. Terminating.", 4)
        self.result = "timeout"
        self._end_processes()

    def _started(self):
        self._cancel()
        self._become("active", "running")
        self.journal.manager(f"Started {self.name}.")
        self._pat()
        self._answer("start_waiters", True)

    def _account(self):
        """Who the unit runs as: the VM's own passwd entry, when it is someone else than we are."""
        user = unitfile.last(self.settings, "User")
        path = os.path.join(self.host.root, "etc/passwd")
        if not user or not os.path.exists(path):
            return None
        with open(path, encoding="utf-8") as file:
            rows = [line.strip().split(":") for line in file]
        for name, secret, uid, gid, *rest in rows:
            if name == user and int(uid) != os.geteuid():
                return pwd.struct_passwd((name, secret, int(uid), int(gid), *rest))
        return None

    def _directories(self, account):
        """RuntimeDirectory= and StateDirectory=: the last part of each is the unit's user's, those above are root's."""
        for kind, parent in (("Runtime", "run"), ("State", "var/lib")):
            for word in unitfile.words(self.settings, f"{kind}Directory"):
                path = os.path.join(self.host.root, parent, word)
                os.makedirs(path, exist_ok=True)
                os.chmod(path, int(unitfile.last(self.settings, f"{kind}DirectoryMode", "0755"), 8))
                if account and os.geteuid() == 0:
                    os.chown(path, account.pw_uid, account.pw_gid)

    def _standard_file(self):
        """StandardInput=file:, opened by root; for writing, too, if StandardOutput= is the same. And whether it is."""
        given = unitfile.last(self.settings, "StandardInput")
        if not given.startswith("file:"):
            return None, False
        for_output = unitfile.last(self.settings, "StandardOutput") == given
        mode = 0o666 & ~int(unitfile.last(self.settings, "UMask", "0022"), 8)
        path = self.host.root + given.removeprefix("file:")
        access = os.O_RDWR | os.O_CREAT if for_output else os.O_RDONLY
        return os.open(path, access | os.O_NOCTTY | os.O_CLOEXEC, mode), for_output

    def _environment(self, output, account):
        root = self.host.root
        pipe = os.fstat(output)
        environment = {
            "PATH": f"{root}/usr/bin:{SYSTEM_PATH}",
            "LANG": "C.UTF-8",
            "FLOWER_CONTEXT_ROOT": root,
            "INVOCATION_ID": os.urandom(16).hex(),
            "JOURNAL_STREAM": f"{pipe.st_dev}:{pipe.st_ino}",
            **({"USER": account.pw_name, "HOME": root + account.pw_dir} if account else {}),
            **dict(word.split("=", 1) for word in unitfile.words(self.settings, "Environment")),
            **self.host.environment,
        }
        if self.notify is not None:
            environment["NOTIFY_SOCKET"] = self.notify.address
        watchdog = unitfile.seconds(self.settings, "WatchdogSec", None)
        if watchdog:
            environment["WATCHDOG_USEC"] = str(int(watchdog * 1e6))
        return environment

    def _relay(self, descriptor, name, pid):
        os.set_blocking(descriptor, False)

        def readable():
            try:
                data = os.read(descriptor, 65536)
            except BlockingIOError:
                return False
            if data:
                self.journal.output(descriptor, pid, name, data)
                return True
            self.journal.end(descriptor, pid, name)
            self.host.unwatch(descriptor)
            os.close(descriptor)
            self.drain = lambda: False
            return False

        self.drain = readable
        self.host.watch(descriptor, readable)

    # What the service says (sd_notify(3))

    def _open_notify(self):
        self._close_notify()
        if unitfile.last(self.settings, "Type") == "notify":
            self.notify = NotifySocket(self.host.root, self.name)
            self.host.watch(self.notify.fileno(), self._hear)

    def _close_notify(self):
        if self.notify is not None:
            self.host.unwatch(self.notify.fileno())
            self.notify.close()
            self.notify = None

    def _hear(self):
        """One message, if there is one."""
        pid, said = self.notify.receive() if self.notify else (0, None)
        if said is None:
            return False
        if unitfile.last(self.settings, "NotifyAccess", "main") != "all" and pid != self.main_pid:
            only = f"reception only permitted for main PID {self.main_pid}"
            self.journal.manager(f"{self.name}: Got notification message from PID {pid}, but {only}", 4)
            return True
        self.status_text = said.get("STATUS", self.status_text)
        if "EXTEND_TIMEOUT_USEC" in said and self.active == "activating":
            self._cancel()
            self.timer = self.host.later(int(said["EXTEND_TIMEOUT_USEC"]) / 1e6, self._start_timeout)
        if said.get("READY") == "1" and self.active == "activating":
            self._started()
        if said.get("STOPPING") == "1" and self.active == "active":
            self._become("deactivating", "stop-sigterm")
        if said.get("WATCHDOG") == "trigger":
            self._watchdog_timeout()
        elif "WATCHDOG" in said:
            self._pat()
        return True

    def _pat(self):
        if self.watchdog:
            self.watchdog.cancel()
        limit = unitfile.seconds(self.settings, "WatchdogSec", None)
        self.heard_us = _now_us() if limit else 0
        self.watchdog = self.host.later(limit, self._watchdog_timeout) if limit else None

    def _watchdog_timeout(self):
        self.journal.manager(f"{self.name}: Watchdog timeout!", 3)
        self.result = "watchdog"
        self.kill(signal.Signals[unitfile.last(self.settings, "WatchdogSignal", "SIGABRT")], "main")

    # Going down

    def _end_processes(self):
        """SIGTERM as KillMode says, SIGKILL after TimeoutStopSec, and on when the last process is gone."""
        self._become("deactivating", "stop-sigterm")
        mixed = unitfile.last(self.settings, "KillMode") == "mixed"
        self.kill(signal.SIGTERM, "main" if mixed and self.main_pid else "all")
        # systemd.kill(5): a stopped process gets the signal only when it continues.
        self.kill(signal.SIGCONT, "main" if mixed and self.main_pid else "all")
        self._wait_until_gone()

    def _wait_until_gone(self):
        self._cancel()
        limit = unitfile.seconds(self.settings, "TimeoutStopSec", 90)
        if limit is not None:
            self.timer = self.host.later(limit, lambda: self.kill(signal.SIGKILL))
        self._look_if_gone()

    def _look_if_gone(self):
        if self.main_pid or members(self.session):
            self.host.later(LOOK_AGAIN, self._look_if_gone)
        else:
            self._dead()

    def main_exited(self, wait_status):
        """The host reaped our main process. What it said before is heard first."""
        while self.drain() or self._hear():
            pass
        if os.WIFSIGNALED(wait_status):
            self._main_ended(3 if os.WCOREDUMP(wait_status) else 2, os.WTERMSIG(wait_status))
        else:
            self._main_ended(1, os.WEXITSTATUS(wait_status))

    def _main_ended(self, code, status):
        was_starting = self.active == "activating"
        waiting_for_others = self.stopping or self.result == "timeout"
        self.main_pid, self.exec_code, self.exec_status = 0, code, status
        self.ended_us = _now_us()
        kind = ("exited", "killed", "dumped")[code - 1]
        word = status if code == 1 else signal.Signals(status).name.removeprefix("SIG")
        if not self._is_clean(code, status) or was_starting:
            self.journal.manager(f"{self.name}: Main process exited, code={kind}, status={word}", 5)
        if self.result == "success":
            self.result = self._result_of(code, status, was_starting)
        if waiting_for_others:
            if unitfile.last(self.settings, "KillMode") == "mixed":
                self.kill(signal.SIGKILL)
            return
        self._become("deactivating", "stop-sigterm")
        self.kill(signal.SIGTERM)
        self._wait_until_gone()

    def _is_clean(self, code, status):
        codes, signals = unitfile.exit_words(self.settings, "SuccessExitStatus")
        return status == 0 or status in codes if code == 1 else status in CLEAN_SIGNALS or status in signals

    def _result_of(self, code, status, was_starting):
        if self._is_clean(code, status):
            unready = was_starting and unitfile.last(self.settings, "Type") == "notify" and not self.stopping
            return "protocol" if unready else "success"
        return ("exit-code", "signal", "core-dump")[code - 1]

    def _dead(self):
        self._cancel()
        self._close_notify()
        if not unitfile.is_yes(self.settings, "RuntimeDirectoryPreserve"):
            self.host.remove_folders(unitfile.words(self.settings, "RuntimeDirectory"))
        stopped, self.stopping = self.stopping, False
        if self._shall_restart(stopped):
            self._become("activating", "auto-restart")
            self._answer("start_waiters", False)
            self.timer = self.host.later(unitfile.seconds(self.settings, "RestartSec", 0.1), self._restart)
            return
        if self.result == "success":
            self._become("inactive", "dead")
        else:
            self._become("failed", "failed")
            self.journal.manager(f"{self.name}: Failed with result '{self.result}'.", 4)
        self._answer("stop_waiters", True)
        if self.start_again:
            self._spawn()
        else:
            self._answer("start_waiters", self.result == "success" and unitfile.last(self.settings, "Type") == "oneshot")

    def _shall_restart(self, stopped):
        if stopped or self.host.ending:
            return False
        codes, signals = unitfile.exit_words(self.settings, "RestartPreventExitStatus")
        if self.exec_status in (codes if self.exec_code == 1 else signals):
            return False
        policy = unitfile.last(self.settings, "Restart", "no")
        return policy == "always" or (policy == "on-failure" and self.result != "success")

    def _restart(self):
        self.restarts += 1
        self.journal.manager(f"{self.name}: Scheduled restart job, restart counter is at {self.restarts}.")
        self._spawn()

    # Small things

    def _become(self, active, sub):
        self.active, self.sub = active, sub

    def _answer(self, which, ok):
        waiters = getattr(self, which)
        setattr(self, which, [])
        for done in waiters:
            done(ok)

    def _cancel(self):
        for timer in filter(None, (self.timer, self.watchdog)):
            timer.cancel()
        self.timer = self.watchdog = None


def _now_us():
    return int(time.monotonic() * 1e6)


def _signal(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
