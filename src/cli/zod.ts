// Imported before any schema is made. zod would compile each schema into JavaScript of its own before its first use; what
// is read once a boot is read before that is compiled. (It also spares us code made from text.)
import * as z from 'zod';

z.config({ jitless: true });
