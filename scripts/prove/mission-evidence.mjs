// Looks at a mission's world and keeps what it saw, for the invariants to judge; it judges nothing itself.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { DECISIONS, linesOf, rowsOf, SNAPSHOT, STAGED, STATUS } from '../mission-files.mjs'
import { derivedFaults } from './derived-files.mjs'

const AUTHOR = 'Kittiwake'

/** What native git says; it can be asked also while a dead process's locks are there. */
export function gitEvidence(world) {
  const complaints = []
  const git = (cwd, ...args) => spawnSync('git', args, { cwd, env: world.env, encoding: 'utf8' })
  const fsck = git(world.root, 'fsck', '--strict', '--no-dangling')
  if (fsck.status !== 0 || fsck.stderr.trim() !== '') complaints.push(`fsck: ${fsck.stderr.trim()}`)
  const checkouts = [world.root, world.worktree]
  for (const cwd of checkouts) {
    for (const args of [
      ['status', '--porcelain'],
      ['log', '-1'],
      ['ls-files', '--stage'],
    ]) {
      const { status, stderr } = git(cwd, ...args)
      if (status !== 0) complaints.push(`git ${args[0]}: ${stderr.trim()}`)
    }
  }
  const isIndexChanged =
    world.indexes !== null &&
    checkouts.some((cwd, at) => world.indexes[at] !== world.userIndex(cwd))
  // Until a command has healed, nothing is said of these.
  return { complaints, isIndexChanged, reflogs: [], strange: [], isStaged: true }
}

/** Everything, once a command has healed. `isLedgerIdle`: it wrote to no ledger. */
export async function missionEvidence(world, acknowledged, isLedgerIdle = false) {
  const reachable = world.commits()
  const logs = logsOf(world)
  return {
    acknowledged,
    logs,
    queued: queuedIn(world),
    git: { ...gitEvidence(world), reflogs: reflogsOf(world), ...statusOf(world) },
    commits: commitsOf(world),
    reported: reportedOf(world, acknowledged, new Set(reachable)),
    frames: framesOf(world),
    disk: { ...diskOf(world), isLedgerIdle, hasCommits: reachable.length > 0 },
    derived: await derivedFaults(world),
  }
}

function logsOf(world) {
  const of = (name) => ({ rows: world.rows(name), branch: world.rowsAt(world.branch, name) })
  const glossary = { rows: world.glossary(), branch: [] }
  return { decisions: of(DECISIONS), status: of(STATUS), glossary }
}

/** The events of the outbox, in the order in which they came. */
function queuedIn({ state, uuid }) {
  const path = join(state, 'projects', uuid, 'outbox.db')
  if (!existsSync(path)) return []
  // To be written as well: what a dead process left of one that nobody has opened since is rolled back.
  const database = new Database(path)
  try {
    if (database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'event'").get() === undefined) {
      return []
    }
    return database
      .prepare('SELECT body FROM event ORDER BY sequence')
      .pluck()
      .all()
      .map((body) => JSON.parse(body))
  } finally {
    database.close()
  }
}

/** Each commit since the start: whose it is, what it changes. Those that were seen before are not read again. */
function commitsOf(world) {
  const { seen, branch } = world
  const show = ['-p', '--unified=0', '--no-color', '--no-ext-diff', '--reverse']
  const tip = world.git(world.root, 'rev-parse', branch).trim()
  const range = `${seen.tip}..${tip}`
  const shown = world.git(world.root, 'log', ...show, '--format=%x00%H %an%x00', range).split('\0')
  seen.tip = tip
  for (let at = 1; at < shown.length; at += 2) {
    const [, ...author] = shown[at].split(' ')
    seen.commits.push(commitOf(world, author.join(' '), linesOf(shown[at + 1])))
  }
  return seen.commits
}

function commitOf(world, author, diff) {
  const names = diff.filter((line) => line.startsWith('+++ b/')).map((line) => line.slice(6))
  const files = names.sort().join(' ')
  const whole = [[DECISIONS], [STATUS, SNAPSHOT], [STATUS]]
  const isOneThing =
    whole.some((one) => one.map((name) => world.pathOf(name)).join(' ') === files) ||
    /^kitty-specs\/[^/ ]+\/plan-\d+\.md$/.test(files)
  const lines = diff.filter((line) => /^[-+]\{"/.test(line))
  const rows = lines.filter((line) => line.startsWith('+')).flatMap((line) => rowsOf(line.slice(1)))
  return { isOurs: author === AUTHOR, isOneThing, files, lines, rows }
}

/** Each commit that a command reported, once: whether it is there and holds what it was reported for. */
function reportedOf(world, acknowledged, reachable) {
  const { held } = world.seen
  return acknowledged.flatMap(({ event_id, commit, path }) => {
    const key = `${commit} ${event_id}`
    if (commit === null || held.has(key)) return []
    held.add(key)
    const isReachable = reachable.has(commit)
    const isHeld = isReachable && holds(world, commit, event_id, path)
    return [{ commit, what: event_id ?? path, isReachable, isHeld }]
  })
}

function holds(world, commit, event_id, path) {
  if (event_id === null) {
    return world.git(world.root, 'ls-tree', '--name-only', commit, '--', path).trim() === path
  }
  return [DECISIONS, STATUS].some((name) =>
    world.rowsAt(commit, name).some((row) => row?.event_id === event_id),
  )
}

function framesOf(world) {
  const range = `main..${world.branch}`
  const listed = world.git(world.root, 'rev-list', '--reverse', range, '--', 'kitty-specs')
  const path = join(world.root, '.kittify', 'sync-state.json')
  const state = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null
  const pending = (state?.pending_local_commits ?? []).map((one) => one.git_hash)
  return { commits: linesOf(listed), pending }
}

function diskOf({ root, worktree }) {
  const folders = [join(root, '.git'), join(root, '.kittify'), worktree]
  const names = folders.flatMap((folder) => {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
  })
  const exclude = linesOf(readFileSync(join(root, '.git', 'info', 'exclude'), 'utf8'))
  return { names, exclude }
}

/** Of ours only a request may wait for its answer, and a plan for its commit. */
function statusOf(world) {
  const lines = linesOf(world.git(world.worktree, 'status', '--porcelain', '-uall'))
  const own = new Set([`A  ${STAGED}`, `M  ${STAGED}`, ` M ${world.pathOf(DECISIONS)}`])
  // Before the first commit of ours the log is not in the branch.
  if (world.textAt(world.branch, DECISIONS) === '') own.add(`?? ${world.pathOf(DECISIONS)}`)
  const isPlan = (line) => /^(?:\?\?|A ) kitty-specs\/[^/]+\/plan-\d+\.md$/.test(line)
  const main = linesOf(world.git(world.root, 'status', '--porcelain'))
  const strange = [
    ...lines
      .filter((line) => !own.has(line) && !isPlan(line))
      .map((line) => ({ where: 'the worktree', line })),
    ...main
      .filter((line) => !line.endsWith(' .kittify/') && !line.endsWith(' kitty-specs/'))
      .map((line) => ({ where: 'the main checkout', line })),
  ]
  return { strange, isStaged: lines.some((line) => line.endsWith(`  ${STAGED}`)) }
}

/** The reflogs of the mission's branch: their lines, and where the branch is. */
export function reflogsOf(world) {
  const tip = world.git(world.root, 'rev-parse', world.branch).trim()
  const gitDir = world.git(world.worktree, 'rev-parse', '--absolute-git-dir').trim()
  const logs = [
    join(gitDir, 'logs', 'HEAD'),
    join(world.root, '.git', 'logs', 'refs', 'heads', world.branch),
  ]
  return logs.map((log) => ({ lines: linesIn(log), tip }))
}

function linesIn(path) {
  return existsSync(path) ? linesOf(readFileSync(path, 'utf8')) : []
}

/** What native git says of the reflogs after a cut, and what they were before: `{ before, lines, from, tip }`. */
export function cutReflogs(world, { before, from }) {
  const complaints = ['HEAD', world.branch].flatMap((name) => {
    const args = ['reflog', 'show', name]
    const { status, stderr } = spawnSync('git', args, {
      cwd: world.worktree,
      env: world.env,
      encoding: 'utf8',
    })
    return status === 0 ? [] : [`reflog of ${name}: ${stderr.trim()}`]
  })
  const reflogs = reflogsOf(world).map((one, at) => ({ ...one, before: before[at].lines, from }))
  return { complaints, reflogs }
}
