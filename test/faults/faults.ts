// Faults that this project had, or nearly had, as small changes of the code. `make test-faults` puts each back, one at a time:
// the tests named beside it have to fail. A fault whose text is no longer in the code must be rewritten, or it proves nothing.

export interface Fault {
  /** What would be wrong for an operator. */
  readonly name: string;
  readonly file: string;
  /** Text of the file, exactly once in it. */
  readonly find: string;
  readonly put: string;
  /** Test files, of which at least one has to fail. */
  readonly tests: readonly string[];
}

const UNIT = 'test/unit';
const INTEGRATION = 'test/integration';

export const FAULTS: readonly Fault[] = [
  {
    name: 'a plan that the agent replaces in the moment Flower takes it is missed',
    file: 'appliance/lib/flower-launch.py',
    find: 'if read_plan(path)[1] != checksum:',
    put: 'if False and read_plan(path)[1] != checksum:',
    tests: [`${INTEGRATION}/launcher-fake.test.ts`, `${INTEGRATION}/launcher.test.ts`],
  },
  {
    name: 'Flower that gave up (status 0) is not started again with status 75',
    file: 'appliance/lib/flower_launch/state_file.py',
    find: 'EXIT_RESTART = 75',
    put: 'EXIT_RESTART = 0',
    tests: [`${INTEGRATION}/launcher-fake.test.ts`, `${INTEGRATION}/launcher-parts.test.ts`],
  },
  {
    name: 'a lost link is not reported by the agent',
    file: 'src/agent/senses.ts',
    find: 'const serves = flower?.up === true &&',
    put: 'const serves = flower?.up !== null || flower?.up === true &&',
    tests: [`${INTEGRATION}/launcher-fake.test.ts`, `${INTEGRATION}/boot-ready.test.ts`],
  },
  {
    name: 'a lost link is not written by the launcher',
    file: 'appliance/lib/flower_launch/state.py',
    find: 'if reason is not None:',
    put: 'if False:',
    tests: [`${INTEGRATION}/launcher-fake.test.ts`, `${INTEGRATION}/launcher-parts.test.ts`],
  },
  {
    name: 'an update with READY=YES leaves before this VM serves',
    file: 'src/onegate/guard.ts',
    find: 'if (options.ready !== true && opensGate(text))',
    put: 'if (options.ready === null && opensGate(text))',
    tests: [`${UNIT}/onegate/guard.test.ts`],
  },
  {
    name: 'a login page that answers 200 counts as a stored update',
    file: 'src/onegate/client.ts',
    find: 'const fault = errorIn(reply, token, body !== undefined);',
    put: 'const fault = errorIn(reply, token, false);',
    tests: [`${INTEGRATION}/boot-onegate.test.ts`, `${UNIT}/onegate/client.test.ts`],
  },
  {
    name: 'a CA that still fits is replaced at the next boot',
    file: 'src/boot/own-ca.ts',
    find: 'matchesKey(cert.value, key.value))\n    return earlierCa',
    put: 'matchesKey(cert.value, key.value) && now.getTime() === 0)\n    return earlierCa',
    tests: [`${UNIT}/boot/own-ca.test.ts`, `${INTEGRATION}/boot-state.test.ts`],
  },
  {
    name: 'a SuperNode takes plaintext where the SuperLink publishes TLS without a CA',
    file: 'src/tls/trust.ts',
    find: 'if (published?.caCert === undefined) {',
    put: 'if (published?.caCert === undefined && published?.tls === "YES") return { tls: false, warnings: [] };\n  if (published?.caCert === undefined) {',
    tests: [`${UNIT}/tls/trust.test.ts`, `${INTEGRATION}/boot-trust.test.ts`],
  },
  {
    name: 'a pinned CA does not win over the published one',
    file: 'src/tls/trust.ts',
    find: 'if (pinnedCaPem === undefined) return fromOneGate(facts, reason);',
    put: 'if (published?.caCert !== undefined) return fromOneGate(facts, reason);\n  if (pinnedCaPem === undefined) return fromOneGate(facts, reason);',
    tests: [`${UNIT}/tls/trust.test.ts`],
  },
  {
    name: 'an escaped quote in a value of context.sh ends the value',
    file: 'src/vm/context-sh.ts',
    find: 'while (close !== -1 && text.startsWith(ESCAPED_QUOTE, close))',
    put: 'while (close === -2 && text.startsWith(ESCAPED_QUOTE, close))',
    tests: [`${UNIT}/vm/context-sh.test.ts`],
  },
  {
    name: 'two SuperNodes claim the same partition',
    file: 'src/cluster/partition.ts',
    find: 'return free[unclaimed.indexOf(vmId)]!;',
    put: 'return free[0]!;',
    tests: [`${UNIT}/cluster/partition.test.ts`],
  },
  {
    name: 'a node that OneFlow is about to end still counts',
    file: 'src/cluster/partition.ts',
    find: '(vm) => vm.state !== VM_STATE.done && !LEAVING.has(vm.lcmState ?? 0),',
    put: '(vm) => vm.state !== VM_STATE.done,',
    tests: [`${UNIT}/cluster/partition.test.ts`, 'test/simulation/partition-simulation.test.ts'],
  },
  {
    name: 'FL_MAX_RETRIES=0 is passed to Flower, which then never tries again',
    file: 'src/flower/plan.ts',
    find: '...(config.FL_MAX_RETRIES === 0 ? [] : [',
    put: '...(config.FL_MAX_RETRIES < 0 ? [] : [',
    tests: [`${UNIT}/flower/plan.test.ts`],
  },
  {
    name: 'a step counts as done before it has succeeded',
    file: 'src/boot/runner.ts',
    find: 'if (inputs !== undefined && !unchanged) checkpoint.forgetStep(step.id);',
    put: 'if (inputs !== undefined && !unchanged) checkpoint.record(step.id, inputs, machine.clock.now());',
    tests: [`${UNIT}/boot/runner.test.ts`],
  },
  {
    name: 'a damaged checkpoint is used in silence',
    file: 'src/boot/checkpoint.ts',
    find: 'this.damage = new Problem(',
    put: 'this.damage = undefined;\n    new Problem(',
    tests: [`${INTEGRATION}/boot-state.test.ts`],
  },
  {
    name: 'a CONTEXT that is corrected while a SuperNode waits is not noticed',
    file: 'src/agent/context-watch.ts',
    find: '() => differs() && changed(),',
    put: '() => differs(),',
    tests: [`${INTEGRATION}/boot-context.test.ts`],
  },
  {
    name: 'READY is answered for the CONTEXT of before',
    file: 'src/cli/ready.ts',
    find: 'return changed ? undefined : (verdict ?? undefined);',
    put: 'return verdict ?? undefined;',
    tests: [`${UNIT}/cli/ready.test.ts`, `${INTEGRATION}/boot-ready.test.ts`],
  },
  {
    name: 'gRPC keepalive is not put into the channels of a SuperNode',
    file: 'appliance/lib/flower_launch/channels.py',
    find: 'options = merged(options, plan["options"]["client"])',
    put: 'options = list(options or [])',
    tests: [`${INTEGRATION}/launcher.test.ts`],
  },
  {
    name: 'children of Flower can speak to systemd for it',
    file: 'appliance/lib/flower-launch.py',
    find: '{name: environment[name] for name in KEPT if name in environment}',
    put: '{name: inherited[name] for name in (*KEPT, "NOTIFY_SOCKET") if name in inherited}',
    tests: [`${INTEGRATION}/launcher.test.ts`],
  },
  {
    name: 'the key of the server certificate can be read by everyone',
    file: 'src/boot/steps/certificates.ts',
    find: 'writeAtomic(wanted.key, pair.keyPem, keyAccess(owner));',
    put: 'writeAtomic(wanted.key, pair.keyPem, { mode: 0o644 });',
    tests: [`${INTEGRATION}/boot-state.test.ts`, `${INTEGRATION}/boot-ready.test.ts`],
  },
  {
    name: 'a wrong CONTEXT is tried again for ever',
    file: 'src/core/problem.ts',
    find: 'return this.facts.contextAtFault ?? CONTEXT_AT_FAULT.has(this.code);',
    put: 'return false;',
    tests: [`${INTEGRATION}/boot-context.test.ts`, `${INTEGRATION}/failures/fatal.test.ts`],
  },
  {
    name: 'the ready script succeeds although OneGate has not stored what the role publishes',
    file: 'src/agent/state.ts',
    find: '      ready: published,',
    put: '      ready: true,',
    tests: [
      `${UNIT}/agent/state.test.ts`,
      `${UNIT}/onegate/gate-model.test.ts`,
      `${INTEGRATION}/boot-onegate.test.ts`,
    ],
  },
  {
    name: 'READY=YES of an earlier boot is not withdrawn',
    file: 'src/boot/attributes.ts',
    find: 'return found !== undefined && found !== value;',
    put: 'return found === undefined && found !== undefined;',
    tests: [`${UNIT}/boot/attributes.test.ts`, `${INTEGRATION}/boot-requests.test.ts`],
  },
  {
    name: 'a claim that a peer has written over is not noticed after a first deployment',
    file: 'src/cluster/partition-manager.ts',
    find: "return altered ? 'altered' : 'changed';",
    put: "return 'keep';",
    tests: [`${UNIT}/cluster/partition-manager.test.ts`, 'test/simulation/partition-simulation.test.ts'],
  },
];
