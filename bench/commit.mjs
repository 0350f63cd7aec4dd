// What one commit of one appended line costs, beside native `git add` + `git commit` in a twin repository: both append and
// fsync the line first, in turn, so that whatever else the machine does meets both.
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { commitPaths } from '#dist/workers/git/commit/commit.js'
import { withPoolPulse } from '#dist/workers/git/pool-pulse.js'
import { withRepositoryLock } from '#dist/project/git/repository-lock.js'
import { inTurn, row, timed } from './measure.mjs'

const FILES = [100, 10_000, 50_000]
const LINES = [1_000, 10_000, 100_000]
/** Of native's time, by the number of files. */
const REACH = { 100: 0.6, 10_000: 0.3, 50_000: 0.25 }
const ROUNDS = 15
const WARM_UPS = 3
const LOG = 'kitty-specs/bench-01J00000/status.events.jsonl'
const FOLDER_FILES = 100
const LINE = `${JSON.stringify({ event_id: '01J00000000000000000000000', payload: 'x'.repeat(520) })}\n`
const BRANCH = 'kitty/mission-bench-01J00000'

export async function rows(isShort) {
  const found = []
  for (const files of isShort ? FILES.slice(0, 1) : FILES) {
    found.push(await measure(files, 100, isShort))
  }
  for (const lines of isShort ? [] : LINES) found.push(await measure(100, lines, false))
  return found
}

async function measure(files, lines, isShort) {
  const [rounds, warmUps] = isShort ? [1, 0] : [ROUNDS, WARM_UPS]
  const folder = mkdtempSync(join(tmpdir(), 'kittiwake-bench-'))
  try {
    const native = repository(join(folder, 'native'), files, lines)
    const ours = repository(join(folder, 'ours'), files, lines)
    const cache = {}
    const { base, ours: oursMs } = await inTurn(
      { rounds, warmUps },
      {
        base: () => settled(() => commitNatively(native)),
        ours: () => settled(() => commitOurs(ours, cache)),
      },
    )
    check(ours)
    const figure = `decision committed, ${files} files, ${lines} lines`
    const most = lines === 100 ? REACH[files] : undefined
    return row({ figure, beside: 'git add and git commit', ours: oursMs, base, most })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What one side leaves unwritten would be written by the other's next fsync, and be counted as its own. */
function settled(work) {
  if (process.platform !== 'win32') execFileSync('sync')
  return timed(work)
}

function commitNatively(root) {
  append(root)
  git(root, 'add', '--', LOG)
  git(root, 'commit', '-q', '-m', 'Record')
}

async function commitOurs(root, cache) {
  append(root)
  const commonDir = join(root, '.git')
  const placement = { worktree: root, gitDir: commonDir, commonDir, ref: `refs/heads/${BRANCH}` }
  const author = { name: 'Kittiwake', email: 'kittiwake@localhost' }
  const request = {
    placement,
    paths: [LOG],
    message: 'Record',
    author,
    protectedBranches: [],
    cache,
  }
  const outcome = await withRepositoryLock(commonDir, 'ledger', () =>
    withPoolPulse(() => commitPaths(request)),
  )
  if (outcome.type !== 'committed') throw new Error(`not committed: ${JSON.stringify(outcome)}`)
}

function append(root) {
  const fd = openSync(join(root, LOG), 'a')
  try {
    writeSync(fd, LINE)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function repository(root, files, lines) {
  mkdirSync(root, { recursive: true })
  git(root, 'init', '-q', '-b', BRANCH)
  git(root, 'config', 'user.name', 'Bench')
  git(root, 'config', 'user.email', 'bench@localhost')
  // A collection in the background would be measured with whatever runs beside it.
  git(root, 'config', 'gc.auto', '0')
  for (let at = 0; at < files - 1; at += 1) {
    const path = join(root, `src/part-${Math.floor(at / FOLDER_FILES)}/file-${at}.txt`)
    if (at % FOLDER_FILES === 0) mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, `${at}\n`)
  }
  mkdirSync(dirname(join(root, LOG)), { recursive: true })
  writeFileSync(join(root, LOG), LINE.repeat(lines))
  git(root, 'add', '-A')
  git(root, 'commit', '-q', '-m', 'Start')
  git(root, 'repack', '-q', '-a', '-d')
  return root
}

function check(root) {
  git(root, 'fsck', '--strict')
  if (git(root, 'status', '--porcelain') !== '') throw new Error('the worktree is not clean')
}

function git(root, ...args) {
  return execFileSync('git', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
