#!/usr/bin/env node
// Every check but the tests: types, lint, format, dead code, package shape, licences, drawings, documents.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { prepare, root, tool } from './prepare.mjs'

if (process.env.KITTIWAKE_BUILT !== '1') prepare()

const LICENCES = [
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'Unlicense',
  'Python-2.0',
  'CC0-1.0',
  'CC-BY-4.0',
  '(MIT OR CC0-1.0)',
  '(MIT OR WTFPL)',
  '(BSD-2-Clause OR MIT OR Apache-2.0)',
  '(MIT AND Zlib)',
  '(MIT AND BSD-3-Clause)',
  'MIT*',
  '(MIT OR Apache-2.0)',
  // elkjs alone, which no other layout engine replaces: handed on as it came, with its licence.
  'EPL-2.0 OR GPL-3.0-or-later',
]

const AT_ONCE = 2

const steps = []
const failed = []
step('types of the tests', 'tsc', ['-p', 'tsconfig.test.json'])
step('types of the pages', 'tsc', ['-p', 'src/page/tsconfig.json'])
step('lint', 'oxlint', ['--type-aware', '--deny-warnings'])
step('format', 'oxfmt', ['--check', '.'])
step('dead code and dependencies', 'knip', [])
step('package shape', 'publint', ['--strict', '--level', 'suggestion'])
step('package types', 'attw', ['--pack', '.', '--profile', 'esm-only', '--quiet'])
step('licences', 'license-checker-rseidelsohn', [
  '--production',
  '--excludePrivatePackages',
  '--onlyAllow',
  LICENCES.join(';'),
  '--summary',
])
step('drawings', null, ['scripts/draw-machines.mjs', '--check'])
step('wire documents', null, ['scripts/describe-wire.mjs', '--check'])
step('schemas', null, ['dist/cli/main.js', 'schema', '--check'])

await Promise.all(Array.from({ length: AT_ONCE }, runSteps))
if (failed.length > 0) {
  console.error(`check: ${failed.join(', ')} failed`)
  process.exit(1)
}

function step(name, command, args) {
  steps.push({ name, args: command === null ? args : [tool(command), ...args] })
}

/** All of them are run, so that one fault doesn't hide the next. */
async function runSteps() {
  for (let next = steps.shift(); next !== undefined; next = steps.shift()) {
    const { name, args } = next
    const started = performance.now()
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    const [said, [status]] = await Promise.all([
      Promise.all([text(child.stdout), text(child.stderr)]),
      once(child, 'close'),
    ])
    if (status !== 0) failed.push(name)
    const outcome = status === 0 ? 'ok' : 'FAILED'
    const took = Math.round(performance.now() - started)
    // What it said comes in one piece, since two of them run at a time.
    console.log(`${said.join('')}check: ${name} ${outcome} (${took} ms)`)
  }
}
