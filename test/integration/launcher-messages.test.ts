// What the launcher says of the messages of a SuperNode: whether a restart of Flower would interrupt a run.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { REPOSITORY } from '../support/zone/vm.ts';

/** Prints [open, last_at] after each call. The time of day is what `at` sets. */
const CODE = `
import json, sys
sys.path.insert(0, sys.argv[1])
from types import SimpleNamespace as Reply
from flower_launch import progress
now = [0]
progress.time = Reply(time=lambda: now[0], monotonic=lambda: now[0])
calls = progress.Calls(progress.Awake(), 45)
said = []
def call(at, method, messages=()):
    now[0] = at
    began = calls.begin(method)
    calls.end(began, method, Reply(messages_list=messages))
    said.append([calls.open_messages, calls.message_at])
call(10, "PullMessages")
call(20, "PullMessages", ["train"])
call(1500, "PushMessages")
call(1820, "PullMessages")
call(1823, "PullMessages")
print(json.dumps(said))
`;

test('a SuperNode counts as idle from the end of the work on its last message, however long that took', () => {
  const { stdout, stderr } = spawnSync('python3', ['-c', CODE, join(REPOSITORY, 'appliance/lib')], {
    encoding: 'utf8',
  });
  expect(JSON.parse(stdout || 'null'), stderr).toEqual([
    [0, null],
    [1, 20],
    [1, 20],
    [0, 1820],
    [0, 1820],
  ]);
});

/** Prints the messages of each record that a launcher writes. */
const RECORDS = `
import json, sys
sys.path.insert(0, sys.argv[1])
from types import SimpleNamespace as Thing
from flower_launch.state import FlowerState
said = []
file = Thing(write=lambda *record: said.append(record[6] and record[6]["open"]))
plan = {"role": "supernode", "fleet": {"listen": "127.0.0.1:9092"}, "transport": "grpc", "options": {"client": []}, "limits": {}}
state = FlowerState(plan, file, Thing(notify=lambda *_: None))
state.start("starting")
def call(method, messages=(), **response):
    state.call_ends(state.call_begins(method), method, "OK", "", Thing(messages_list=messages, **response))
call("ActivateNode", node_id=7)
call("PullMessages")
call("PullMessages", ["train"])
call("PushMessages")
call("PullMessages")
print(json.dumps(said))
`;

test('a message is in the record at once, and so is the end of the work on it: the agent may be about to restart Flower', () => {
  const { stdout, stderr } = spawnSync('python3', ['-c', RECORDS, join(REPOSITORY, 'appliance/lib')], {
    encoding: 'utf8',
  });
  const records = JSON.parse(stdout.split('\n').at(-2) || 'null') as number[];
  expect(records.slice(-3), stderr).toEqual([0, 1, 0]);
});
