// All checks, in the order of the report: the agent, then what others need.
import type { Check } from '../check.ts';
import { certificate, dates } from './certificates.ts';
import { data } from './data.ts';
import { fleet, keepalive, versions } from './flower.ts';
import { context, image, token } from './given.ts';
import { clock, disk } from './machine.ts';
import { oneGate, published } from './onegate.ts';
import { ports } from './ports.ts';
import { agent, units } from './service.ts';

export const CHECKS: readonly Check[] = [
  agent,
  image,
  context,
  units,
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
  data,
];
