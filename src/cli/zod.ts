// Imported before any schema is made. Without this, zod compiles each schema before its first use. A boot reads most
// schemas once, so compiling takes longer than reading. It also avoids code that is made from text.
// For the same reason the schemas of files and replies are `z.lazy`: they are made when they are first used, not at each start.
import * as z from 'zod';

z.config({ jitless: true });
