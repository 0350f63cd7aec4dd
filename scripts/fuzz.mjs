#!/usr/bin/env node
// `npm run fuzz -- [MINUTES]`: every property again and again with fresh seeds, until one fails or the time is over.
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { prepare, root, tool } from './prepare.mjs'

const minutes = Number(process.argv[2] ?? 10)
if (!(minutes > 0)) {
  console.error('usage: fuzz.mjs [MINUTES]')
  process.exit(2)
}
prepare()
const properties = readdirSync(join(root, 'test'), { recursive: true })
  .map((name) => join('test', name))
  .filter((name) => name.endsWith('.test.ts'))
  .filter((name) => /from '(?:@fast-check\/vitest|fast-check)'/.test(read(name)))
const end = performance.now() + minutes * 60_000
let rounds = 0
do {
  const seed = String(randomInt(2 ** 31))
  const { status } = spawnSync(
    process.execPath,
    [tool('vitest'), 'run', '--reporter', 'dot', ...properties],
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, KITTIWAKE_BUILT: '1', KITTIWAKE_FUZZ_SEED: seed },
    },
  )
  rounds += 1
  if (status !== 0) {
    console.error(`fuzz: failed in round ${rounds}; again by KITTIWAKE_FUZZ_SEED=${seed}`)
    process.exit(1)
  }
} while (performance.now() < end)
console.log(`fuzz: ${rounds} rounds of ${properties.length} files, each with a seed of its own`)

function read(name) {
  return readFileSync(join(root, name), 'utf8')
}
