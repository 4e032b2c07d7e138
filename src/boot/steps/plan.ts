import type { BootConfig } from '../../config/parse.ts';
import type { ProblemCode } from '../../core/catalogue.ts';
import { formatHostPort } from '../../core/hostport.ts';
import { Problem } from '../../core/problem.ts';
import type { FlowerEndpoints } from '../../flower/endpoints.ts';
import { ensureEnvironment } from '../../flower/environment.ts';
import { formatPlan, type LaunchPlan } from '../../flower/plan.ts';
import { type FileAccess, linkTarget, readText, writeIfChanged } from '../../host/files.ts';
import { hasGpu } from '../../host/gpu.ts';
import { type Owner, ourIds, sha256 } from '../../host/machine.ts';
import { queueJob } from '../../host/systemd.ts';
import { advertisedEndpoint } from '../addresses.ts';
import { superLinkLaunch, superNodeLaunch } from '../launch.ts';
import {
  type PreparedPlan,
  type StepResult,
  type StepTools,
  type SuperLinkOutputs,
  type SuperNodeOutputs,
  stepOf,
} from '../step.ts';

/** How Flower is started: version, arguments, files. */
export const planSuperLink = stepOf<SuperLinkOutputs>()({
  id: 'launch_plan',
  title: 'write the launch plan',
  needs: ['read_context', 'validate', 'prepare_directories', 'certificates'],
  async run({ read_context, validate: config, prepare_directories, certificates: trust }, tools) {
    const { paths, host } = tools.machine;
    const found = await flowerEnvironment(config, tools);
    const endpoint = advertisedEndpoint(config.FL_FLEET_API_ADDRESS, read_context.addresses, trust?.dialable);
    tools.setFacts({ endpoint: formatHostPort(endpoint) });
    const facts = { version: found.version, environment: found.path, paths, loopback: host.loopback };
    const { plan, endpoints, runConfig } = superLinkLaunch(config, { ...facts, endpoint });
    const access = forFlower(prepare_directories);
    writeIfChanged(paths.runConfig, runConfig, access);
    return preparePlan({ plan, endpoints, contents: trust?.fingerprint ?? '' }, found, access, tools);
  },
});

export const planSuperNode = stepOf<SuperNodeOutputs>()({
  id: 'launch_plan',
  title: 'write the launch plan',
  needs: ['validate', 'prepare_directories', 'discover_superlink', 'trust', 'partition'],
  async run({ validate: config, prepare_directories, discover_superlink, trust, partition }, tools) {
    const { paths, host } = tools.machine;
    const found = await flowerEnvironment(config, tools);
    const gpu = config.FL_GPU_ENABLED && (await gpuFound(found, tools));
    if (config.FL_DCGM_ENABLED) await startDcgm(found, tools);
    const { plan, endpoints, nodeConfig } = superNodeLaunch(config, {
      version: found.version,
      environment: found.path,
      paths,
      loopback: host.loopback,
      superlink: discover_superlink.endpoint,
      tls: trust !== undefined,
      partition: partition?.choice,
      gpu,
    });
    const access = forFlower(prepare_directories);
    writeIfChanged(paths.nodeConfig, nodeConfig, access);
    const contents = `${trust?.caPem ?? ''}${nodeConfig}`;
    const { output, ...result } = preparePlan({ plan, endpoints, contents }, found, access, tools);
    return { output: { ...output, gpu }, ...result };
  },
});

/** Root writes it, Flower's group reads it: nobody else needs it. */
const forFlower = ({ gid }: Owner): FileAccess => ({
  mode: 0o640,
  owner: { uid: ourIds().uid, gid },
  durable: false,
});

interface Found {
  readonly version: string;
  /** Of the virtual environment. */
  readonly path: string;
  /** The first thing that this boot continues without. */
  degradedBy: ProblemCode | undefined;
}

async function flowerEnvironment(config: BootConfig, tools: StepTools): Promise<Found> {
  const { version, path, degraded } = await ensureEnvironment({
    wanted: config.FLOWER_VERSION,
    baked: tools.image.flower.version,
    framework: config.ML_FRAMEWORK,
    paths: tools.machine.paths,
    freeSpaceAt: tools.machine.host.freeSpaceAt,
    signal: tools.signal,
    onWait: tools.wait,
  });
  const found: Found = { version, path, degradedBy: undefined };
  if (degraded !== undefined) continueWithout(degraded, found, tools);
  tools.setFacts({ flower_version: version });
  return found;
}

/**
 * The plan for the step that starts Flower. A checksum of what the files named in the plan hold is part of it, so that
 * Flower is started again when a certificate or its node config changed.
 */
function preparePlan(
  { plan, endpoints, contents }: { plan: LaunchPlan; endpoints: FlowerEndpoints; contents: string },
  { version, path, degradedBy }: Found,
  access: FileAccess,
  { machine: { paths } }: StepTools,
): StepResult<PreparedPlan> {
  const text = formatPlan({
    ...plan,
    environment: { ...plan.environment, FLOWER_CONTEXT_INPUTS: sha256(contents) },
  });
  return {
    output: {
      text,
      hash: sha256(text),
      environment: path,
      access,
      endpoints,
      flowerVersion: version,
      degradedBy,
    },
    kept: readText(paths.plan) === text && linkTarget(paths.environment) === path,
    note: `Flower ${plan.flower_version}, ${plan.program} with ${plan.argv.length} arguments`,
  };
}

/** A degradation is in the journal and the status, and OneGate shows the first one. */
function continueWithout(problem: Problem, found: Found, { degrade }: StepTools): void {
  degrade(problem);
  found.degradedBy ??= problem.code;
}

async function gpuFound(environment: Found, tools: StepTools): Promise<boolean> {
  const found = await hasGpu();
  if (found === true) return true;
  const doing = 'searching for an NVIDIA GPU';
  continueWithout(
    new Problem('gpu_not_found', { doing, found, variable: 'FL_GPU_ENABLED' }),
    environment,
    tools,
  );
  return false;
}

/** The first is that of NVIDIA's package datacenter-gpu-manager-exporter; the second is common for units made manually. */
const DCGM_UNITS = ['nvidia-dcgm-exporter.service', 'dcgm-exporter.service'] as const;

async function startDcgm(environment: Found, tools: StepTools): Promise<void> {
  const found: string[] = [];
  for (const unit of DCGM_UNITS) {
    const refused = await queueJob('start', unit);
    if (refused === undefined) return;
    found.push(refused);
  }
  const doing = `starting ${DCGM_UNITS.join(' or ')}`;
  continueWithout(
    new Problem('dcgm_unavailable', { doing, found: found.join(' '), variable: 'FL_DCGM_ENABLED' }),
    environment,
    tools,
  );
}
