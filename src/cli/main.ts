#!/usr/bin/env node
import nodeModule from 'node:module'

/** Stopping may take 3 s before; nothing of a command's is left to do after its exit code is known. */
const LEFT_OVER_WITHIN_MS = 300

// Where Node has one (from 22.1 on), the next start finds the modules compiled.
const { enableCompileCache } = nodeModule as { readonly enableCompileCache?: () => unknown }
enableCompileCache?.()
const { run } = await import('./run.ts')

process.exitCode = await run(process.argv.slice(2))
// What a command left open must not keep it; what it has printed is waited for.
setTimeout(() => process.stdout.write('', () => process.exit()), LEFT_OVER_WITHIN_MS).unref()
