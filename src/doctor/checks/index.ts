// What a person would look at, in the order they would.
import type { Check } from '../check.ts';
import { agent } from './agent.ts';
import { certificate, dates } from './certificates.ts';
import { clock } from './clock.ts';
import { context, token } from './context.ts';
import { disk } from './disk.ts';
import { fleet } from './fleet.ts';
import { keepalive } from './keepalive.ts';
import { oneGate, published } from './onegate.ts';
import { ports } from './ports.ts';
import { units } from './units.ts';
import { versions } from './versions.ts';

export const CHECKS: readonly Check[] = [
  units,
  agent,
  context,
  token,
  oneGate,
  published,
  clock,
  fleet,
  ports,
  certificate,
  dates,
  keepalive,
  versions,
  disk,
];
