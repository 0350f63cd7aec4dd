#!/usr/bin/env node
// `npm test`: installs, builds, runs every check and every test, and holds the line coverage, threads included.
import { mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { provideChromium } from './chromium.mjs'
import { provideNatsServer } from './nats-server.mjs'
import { prepare, root, run, tool } from './prepare.mjs'

const LINES_MIN = 90
/** In memory where there is room: most of what the tests wait for is a disk that keeps what they throw away. */
const MEMORY = '/dev/shm'
const MEMORY_BYTES_MIN = 6 * 2 ** 30
const WHOLE = /^src\/events\/sanitize/
/** Run as programs and threads alone: what is never loaded is missing in the sum, and nobody would miss it there. */
const ALONE = [
  'src/background/background.ts',
  'src/cli/main.ts',
  'src/workers/bulk/lay-out.ts',
  'src/workers/bulk/validate-file.ts',
  'src/workers/git/git.worker.ts',
  'src/workers/socket/socket.worker.ts',
  'src/workers/store/store.worker.ts',
]

prepare()
provideChromium()
provideNatsServer()
process.env.KITTIWAKE_BUILT = '1'
run(process.execPath, ['scripts/check.mjs'])
const folder = temporaryFolder()
if (folder !== null) process.env.TMPDIR = folder
rmSync(join(root, 'coverage'), { recursive: true, force: true })
run(process.execPath, [
  tool('c8'),
  '--src',
  'src',
  '--include',
  'dist/**',
  '--exclude',
  'test/**',
  '--exclude',
  'scripts/**',
  // Dependencies, and files that only hand on what another one exports.
  '--exclude',
  'dist/chunks/{vendor,rolldown}-*',
  '--reporter',
  'json-summary',
  '--reporter',
  'text-summary',
  process.execPath,
  tool('vitest'),
  'run',
  ...process.argv.slice(2),
])
if (process.argv.length === 2) holdCoverage()

function temporaryFolder() {
  if (process.env.TMPDIR !== undefined) return null
  try {
    const { bavail, bsize } = statfsSync(MEMORY)
    if (bavail * bsize < MEMORY_BYTES_MIN) return null
    const made = mkdtempSync(join(MEMORY, 'kittiwake-'))
    process.on('exit', () => rmSync(made, { recursive: true, force: true }))
    return made
  } catch {
    return null
  }
}

function holdCoverage() {
  const summary = JSON.parse(readFileSync(join(root, 'coverage/coverage-summary.json'), 'utf8'))
  const uncounted = ALONE.filter((name) => !(join(root, name) in summary))
  for (const name of uncounted) console.error(`coverage: ${name} is not counted`)
  const short = Object.entries(summary).filter(([path, { lines }]) => {
    const name = relative(root, path).replaceAll('\\', '/')
    if (path === 'total') return lines.pct < LINES_MIN
    return WHOLE.test(name) && lines.pct < 100
  })
  for (const [path, { lines }] of short) {
    console.error(
      `coverage: ${path === 'total' ? path : relative(root, path)} has ${lines.pct} % of its lines`,
    )
  }
  if (short.length > 0 || uncounted.length > 0) process.exit(1)
  console.log(`coverage: ${summary.total.lines.pct} % of lines, at least ${LINES_MIN} % asked`)
}
