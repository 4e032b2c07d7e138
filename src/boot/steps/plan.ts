import type { SuperLinkConfig, SuperNodeConfig } from '../../config/parse.ts';
import { formatHostPort } from '../../core/hostport.ts';
import { Problem } from '../../core/problem.ts';
import { ensureEnvironment } from '../../flower/environment.ts';
import { formatPlan, type LaunchPlan } from '../../flower/plan.ts';
import { linkTarget, readText, writeIfChanged } from '../../host/files.ts';
import { hasGpu } from '../../host/gpu.ts';
import { ourIds, sha256 } from '../../host/machine.ts';
import { queueJob } from '../../host/systemd.ts';
import { advertisedEndpoint } from '../addresses.ts';
import type { Knowledge } from '../knowledge.ts';
import { superLinkLaunch, superNodeLaunch } from '../launch.ts';
import type { Step, StepResult, StepTools } from '../step.ts';

/** How Flower is started: version, arguments, files. Everything is written here and nowhere else. */
export const planSuperLink: Step = {
  id: 'launch_plan',
  title: 'decide how Flower starts',
  needs: ['certificates'],
  async run(known, tools) {
    const config = known.get('config') as SuperLinkConfig;
    const { paths, host } = tools.machine;
    const { version, path: environment } = await flowerEnvironment(known, tools);
    const trust = known.get('serverTrust');
    known.set(
      'endpoint',
      advertisedEndpoint(config.FL_FLEET_API_ADDRESS, known.get('addresses'), trust?.dialable),
    );
    tools.tell({ endpoint: formatHostPort(known.get('endpoint')) });
    const facts = { version, environment, paths, loopback: host.loopback };
    const { plan, runConfig } = superLinkLaunch(config, facts);
    writeIfChanged(paths.runConfig, runConfig, forFlower(known));
    return preparePlan(known, tools, plan, environment, trust?.fingerprint ?? '');
  },
};

export const planSuperNode: Step = {
  id: 'launch_plan',
  title: 'decide how Flower starts',
  needs: ['trust', 'partition'],
  async run(known, tools) {
    const config = known.get('config') as SuperNodeConfig;
    const { paths, host } = tools.machine;
    const { version, path: environment } = await flowerEnvironment(known, tools);
    const gpu = config.FL_GPU_ENABLED && (await lookForGpu(known, tools));
    known.set('gpu', gpu);
    if (config.FL_DCGM_ENABLED) await startDcgm(known, tools);
    const trust = known.get('clientTrust');
    const { plan, nodeConfig } = superNodeLaunch(config, {
      version,
      environment,
      paths,
      loopback: host.loopback,
      superlink: known.get('superlink').endpoint,
      tls: trust !== undefined,
      partition: known.get('partition'),
      gpu,
    });
    writeIfChanged(paths.nodeConfig, nodeConfig, forFlower(known));
    return preparePlan(known, tools, plan, environment, `${trust?.caPem ?? ''}${nodeConfig}`);
  },
};

/** For root to write and Flower's group to read: nobody else needs it. */
const forFlower = (known: Knowledge) => ({
  mode: 0o640,
  owner: { uid: ourIds().uid, gid: known.get('flowerOwner').gid },
  durable: false,
});

async function flowerEnvironment(
  known: Knowledge,
  tools: StepTools,
): Promise<{ version: string; path: string }> {
  const { flower } = known.get('appliance');
  const config = known.get('config');
  const found = await ensureEnvironment({
    wanted: config.FLOWER_VERSION,
    baked: flower.version,
    framework: config.ML_FRAMEWORK,
    paths: tools.machine.paths,
    roomAt: tools.machine.host.roomAt,
    signal: tools.signal,
    onWait: tools.wait,
  });
  if (found.degraded !== undefined) goOnWithout(known, tools, found.degraded);
  known.set('flowerVersion', found.version);
  tools.tell({ flower_version: found.version });
  return found;
}

/**
 * Lays the plan ready for the step that starts Flower. What the files named in the plan hold goes into it as a checksum,
 * so that Flower is started again when a certificate or its node config changed.
 */
function preparePlan(
  known: Knowledge,
  { machine }: StepTools,
  plan: LaunchPlan,
  environment: string,
  contents: string,
): StepResult {
  const { paths } = machine;
  const whole = { ...plan, environment: { ...plan.environment, FLOWER_CONTEXT_INPUTS: sha256(contents) } };
  const text = formatPlan(whole);
  known.set('plan', whole);
  known.set('planHash', sha256(text));
  known.set('planFile', { text, environment, access: forFlower(known) });
  return {
    kept: readText(paths.plan) === text && linkTarget(paths.environment) === environment,
    note: `Flower ${plan.flower_version}, ${plan.program} with ${plan.argv.length} arguments`,
  };
}

/** A degradation is a result: in the journal and the status, and OneGate says so, too (decision 7). */
function goOnWithout(known: Knowledge, { degrade }: StepTools, problem: Problem): void {
  degrade(problem);
  if (known.peek('lacks') === undefined) known.set('lacks', problem.code);
}

async function lookForGpu(known: Knowledge, tools: StepTools): Promise<boolean> {
  const found = await hasGpu();
  if (found === true) return true;
  const doing = 'looking for an NVIDIA GPU';
  goOnWithout(known, tools, new Problem('gpu_not_found', { doing, found, variable: 'FL_GPU_ENABLED' }));
  return false;
}

/** NVIDIA's package datacenter-gpu-manager-exporter has the first; the second is that of who made a unit by hand. */
const DCGM_UNITS = ['nvidia-dcgm-exporter.service', 'dcgm-exporter.service'] as const;

async function startDcgm(known: Knowledge, tools: StepTools): Promise<void> {
  const found: string[] = [];
  for (const unit of DCGM_UNITS) {
    const refused = await queueJob('start', unit);
    if (refused === undefined) return;
    found.push(refused);
  }
  goOnWithout(
    known,
    tools,
    new Problem('dcgm_unavailable', {
      doing: `starting ${DCGM_UNITS.join(' or ')}`,
      found: found.join(' '),
      variable: 'FL_DCGM_ENABLED',
    }),
  );
}
