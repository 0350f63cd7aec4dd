#!/usr/bin/env node
// Emits dist/ from src/ one file to one file, then bundles the programs. Always whole, so that dist is never stale.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildPages } from './build-page.mjs'
import { bundle } from './bundle.mjs'
import { compileSchemas } from './compile-schemas.mjs'

const TRIES = 5
const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const tsc = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin',
  'tsc',
)
const dist = join(root, 'dist')
// Beside it, so that the source maps keep their paths, and a program that runs from dist loses it for an instant only.
const fresh = join(root, `.dist-${process.pid}`)
const old = `${fresh}-old`
const args = [tsc, '-p', join(root, 'tsconfig.json'), '--outDir', fresh]
const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
if (status !== 0) {
  // What was built from other sources must not be taken for these.
  for (const folder of [fresh, dist]) rmSync(folder, { recursive: true, force: true })
  process.exit(status ?? 1)
}
await compileSchemas(fresh)
await bundle(root, fresh)
await buildPages(root, dist, fresh)
chmodSync(join(fresh, 'cli/main.js'), 0o755)
exchange(TRIES)

// Another build may put its own there in between.
function exchange(tries) {
  rmSync(old, { recursive: true, force: true })
  try {
    if (existsSync(dist)) renameSync(dist, old)
    renameSync(fresh, dist)
  } catch (error) {
    if (tries === 0) throw error
    exchange(tries - 1)
  }
  rmSync(old, { recursive: true, force: true })
}
