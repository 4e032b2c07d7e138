import type { BootConfig } from '../../config/parse.ts';
import type { ProblemCode } from '../../core/catalogue.ts';
import { formatHostPort } from '../../core/hostport.ts';
import { Problem } from '../../core/problem.ts';
import { ensureEnvironment } from '../../flower/environment.ts';
import { formatPlan, type LaunchPlan } from '../../flower/plan.ts';
import type { FlowerFacts } from '../../flower/settings.ts';
import { formatSuperExecPlan, type SuperExecPlan } from '../../flower/superexec.ts';
import { ensureSecret, type PreparedSuperExec, superExecFiles } from '../../flower/superexec-files.ts';
import { type FileAccess, linkTarget, readText, unlessUnfit, writeIfChanged } from '../../host/files.ts';
import { hasGpu } from '../../host/gpu.ts';
import { type Owner, sha256 } from '../../host/machine.ts';
import type { Paths } from '../../host/paths.ts';
import { queueJob } from '../../host/systemd.ts';
import { advertisedEndpoint, advertisedEndpoint6 } from '../addresses.ts';
import { demandNoOlderFlower, writeDatabaseVersion } from '../database.ts';
import { describeSuperLink, describeSuperNode } from '../describe.ts';
import type { Described } from '../in-force.ts';
import { certificateFiles, superLinkLaunch, superNodeLaunch } from '../launch.ts';
import type { PartFacts } from '../parts.ts';
import {
  type PreparedPlan,
  type StepResult,
  type StepTools,
  type SuperLinkOutputs,
  type SuperNodeOutputs,
  stepOf,
} from '../step.ts';
import { rootAndGroupOf } from './directories.ts';

const PLAN = { id: 'launch_plan', title: 'write the launch plan' } as const;

/** How Flower is started: version, arguments, files. */
export const planSuperLink = stepOf<SuperLinkOutputs>()({
  ...PLAN,
  needs: ['read_context', 'validate', 'prepare_directories', 'certificates'],
  async run({ read_context, validate: config, prepare_directories, certificates: trust }, tools) {
    const { facts, degraded } = await flowerEnvironment(config, tools, () =>
      demandNoOlderFlower(config, config.FLOWER_VERSION, tools.checkpoint),
    );
    demandNoOlderFlower(config, facts.version, tools.checkpoint, degraded);
    writeDatabaseVersion(config, tools.checkpoint, facts.paths);
    const degradedBy = continueWithout([degraded], tools);
    const { FL_FLEET_API_ADDRESS: listen } = config;
    const { addresses } = read_context;
    const endpoint = advertisedEndpoint(listen, addresses, trust?.dialable);
    const endpoint6 = advertisedEndpoint6(listen, endpoint, addresses, trust?.dialable);
    tools.setFacts({ endpoint: formatHostPort(endpoint) });
    const { plan, endpoints, runConfig, superexec } = superLinkLaunch(config, {
      ...facts,
      endpoint,
      endpoint6,
    });
    const access = forFlower(prepare_directories);
    writeIfChanged(facts.paths.runConfig, runConfig, access);
    const contents = trust?.fingerprint ?? '';
    return preparePlan(plan, contents, facts, {
      endpoints,
      access,
      degradedBy,
      superexec,
      nodeConfig: undefined,
      describe: (shared) => describeSuperLink(config, trust, facts.paths, { ...shared, endpoints }),
    });
  },
});

export const planSuperNode = stepOf<SuperNodeOutputs>()({
  ...PLAN,
  needs: ['validate', 'prepare_directories', 'discover_superlink', 'trust', 'partition'],
  async run({ validate: config, prepare_directories, discover_superlink, trust, partition }, tools) {
    const { facts, degraded } = await flowerEnvironment(config, tools);
    const noGpu = config.FL_GPU_ENABLED ? await gpuProblem() : undefined;
    const noDcgm = config.FL_DCGM_ENABLED ? await startDcgm() : undefined;
    const degradedBy = continueWithout([degraded, noGpu, noDcgm], tools);
    const gpu = config.FL_GPU_ENABLED && noGpu === undefined;
    const { plan, endpoints, nodeConfig, superexec } = superNodeLaunch(config, {
      ...facts,
      superlink: discover_superlink.endpoint,
      tls: trust !== undefined,
      partition: partition?.choice,
      gpu,
    });
    const access = forFlower(prepare_directories);
    const contents = `${trust?.caPem ?? ''}${nodeConfig}`;
    const { output, ...result } = preparePlan(plan, contents, facts, {
      endpoints,
      access,
      superexec,
      nodeConfig,
      describe: (shared) => describeSuperNode(config, { trust, partition }, gpu, { ...shared, endpoints }),
      degradedBy:
        degradedBy ?? (trust?.suspicious || partition?.choice.byOrder ? 'peer_suspicious' : undefined),
    });
    return { output: { ...output, gpu }, ...result };
  },
});

const forFlower = (owner: Owner): FileAccess => ({
  mode: 0o640,
  owner: rootAndGroupOf(owner),
  durable: false,
});

async function flowerEnvironment(
  config: BootConfig,
  { machine: { paths, host }, image, signal, wait, setFacts }: StepTools,
  beforeInstall?: () => void,
): Promise<{ facts: FlowerFacts; degraded: Problem | undefined }> {
  const { version, path, degraded } = await ensureEnvironment({
    wanted: config.FLOWER_VERSION,
    baked: image.flower.version,
    framework: config.ML_FRAMEWORK,
    paths,
    freeSpaceAt: host.freeSpaceAt,
    signal,
    beforeInstall,
    onWait: wait,
  });
  setFacts({ flower_version: version });
  return { facts: { version, environment: path, paths, loopback: host.loopback }, degraded };
}

/**
 * The plan for the step that starts Flower. A checksum of what the files named in the plan hold (`contents`) is part of
 * it, so that Flower is started again when a certificate or its node config changed.
 */
function preparePlan(
  plan: LaunchPlan,
  contents: string,
  { version: flowerVersion, environment, paths }: FlowerFacts,
  {
    superexec: superExecPlan,
    describe,
    ...rest
  }: Pick<PreparedPlan, 'endpoints' | 'access' | 'degradedBy' | 'nodeConfig'> & {
    readonly superexec: SuperExecPlan | undefined;
    readonly describe: (shared: Pick<PartFacts, 'environment' | 'secret'>) => Described;
  },
): StepResult<PreparedPlan> {
  const superexec = superExecPlan && prepareSuperExec(superExecPlan, environment, paths);
  // Flower starts again together with SuperExec: both must know the same secret.
  const secret = superexec && ensureSecret(paths, rest.access);
  const shared = superexec && [superexec.text, superexec.ca, secret].join('');
  const inputs = {
    ...plan.environment,
    FLOWER_CONTEXT_INPUTS: sha256(`${contents}${shared ?? ''}`),
  };
  const text = formatPlan({ ...plan, environment: inputs });
  return {
    output: {
      ...rest,
      superexec,
      text,
      hash: sha256(text),
      environment,
      flowerVersion,
      describe: () => describe({ environment, secret: secret && sha256(secret) }),
    },
    kept: unlessUnfit(() => readText(paths.plan)) === text && linkTarget(paths.environment) === environment,
    note: `Flower ${plan.flower_version}, ${plan.program} with ${plan.argv.length} arguments`,
  };
}

function prepareSuperExec(plan: SuperExecPlan, environment: string, paths: Paths): PreparedSuperExec {
  const secure = plan.argv.includes(superExecFiles(paths).ca);
  return {
    text: formatSuperExecPlan(plan),
    ca: secure ? readText(certificateFiles(paths).caCertificate) : undefined,
    environment,
  };
}

/** Reports what this boot continues without. Returns the code of the first, which OneGate shows. */
function continueWithout(
  problems: readonly (Problem | undefined)[],
  { degrade }: StepTools,
): ProblemCode | undefined {
  const found = problems.filter((problem) => problem !== undefined);
  for (const problem of found) degrade(problem);
  return found[0]?.code;
}

async function gpuProblem(): Promise<Problem | undefined> {
  const found = await hasGpu();
  const doing = 'searching for an NVIDIA GPU';
  return found === true
    ? undefined
    : new Problem('gpu_not_found', { doing, found, variable: 'FL_GPU_ENABLED' });
}

/** The first is that of NVIDIA's package datacenter-gpu-manager-exporter; the second is common for units made manually. */
const DCGM_UNITS = ['nvidia-dcgm-exporter.service', 'dcgm-exporter.service'] as const;

async function startDcgm(): Promise<Problem | undefined> {
  const refusals: string[] = [];
  for (const unit of DCGM_UNITS) {
    const refused = await queueJob('start', unit);
    if (refused === undefined) return undefined;
    refusals.push(refused);
  }
  const doing = `starting ${DCGM_UNITS.join(' or ')}`;
  return new Problem('dcgm_unavailable', { doing, found: refusals.join(' '), variable: 'FL_DCGM_ENABLED' });
}
