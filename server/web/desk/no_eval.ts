/** Imported first: zod would compile schemas by `new Function`, which the content security policy forbids and reports. */
import { config } from "zod";

config({ jitless: true });
