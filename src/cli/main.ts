#!/usr/bin/env node
import { run } from './run.ts'

/** Stopping may take 3 s before; nothing of a command's is left to do after its exit code is known. */
const LEFT_OVER_WITHIN_MS = 300

process.exitCode = await run(process.argv.slice(2))
// What a command left open must not keep it; what it has printed is waited for.
setTimeout(() => process.stdout.write('', () => process.exit()), LEFT_OVER_WITHIN_MS).unref()
