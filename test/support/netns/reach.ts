// Run on a machine of a test: prints which of the given addresses (host port ...) a SuperNode dials there, as JSON.
import { reach } from '../../../src/cluster/reach.ts';

const [host, port, host6, port6] = process.argv.slice(2);
const endpoint = { host: host!, port: Number(port) };
const endpoint6 = host6 === undefined ? {} : { endpoint6: { host: host6, port: Number(port6) } };
console.log(JSON.stringify(await reach({ endpoint, ...endpoint6 })));
