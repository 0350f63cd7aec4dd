// A real project with one mission in temporary folders, driven through the built program, and what must be true of it.
import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { devNull, tmpdir } from 'node:os'
import { join } from 'node:path'
import { kittiwake } from './program.mjs'

const ASKED_AT_ONCE = 50
const STAGED = 'staged.txt'
const AUTHOR = 'Kittiwake'
const EXCLUDED = '/.kittify/sync-state.json*'
/** What nobody but a living process may have: locks, temporary files, notes of what is under way. */
const STRAY = /\.lock$|(^|[/\\])tmp[-_]|\.tmp$|kittiwake[/\\](journal|deferred)\.json$/

export class DecisionWorld {
  #open = []
  #checked = new Set()

  constructor() {
    this.home = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-decision-')))
    this.root = join(this.home, 'project')
    this.state = join(this.home, 'state')
    this.mission = ''
    this.branch = ''
    this.worktree = ''
    this.log = ''
    mkdirSync(join(this.home, 'user'))
    this.env = {
      ...process.env,
      HOME: join(this.home, 'user'),
      KITTIWAKE_HOME: this.state,
      GIT_CONFIG_GLOBAL: devNull,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_AUTHOR_NAME: 'Native User',
      GIT_AUTHOR_EMAIL: 'native@example.test',
      GIT_COMMITTER_NAME: 'Native User',
      GIT_COMMITTER_EMAIL: 'native@example.test',
      LC_ALL: 'C',
    }
    delete this.env.NODE_OPTIONS
  }

  /** A project with a mission; the user has a file staged where our commits are made. */
  static async open() {
    const world = new DecisionWorld()
    const format = `--object-format=${process.env.KITTIWAKE_OBJECT_FORMAT ?? 'sha1'}`
    execFileSync('git', ['init', '-q', '-b', 'main', format, world.root], { env: world.env })
    world.git(world.root, 'config', 'gc.auto', '0')
    writeFileSync(join(world.root, 'README.md'), '# Project\n')
    world.git(world.root, 'add', '.')
    world.git(world.root, 'commit', '-q', '-m', 'Start')
    await world.run(['init'])
    const made = await world.run(['mission', 'create', 'first'])
    world.mission = made.mission_slug
    world.branch = made.branch
    world.worktree = made.worktree
    world.log = join(made.worktree, 'kitty-specs', made.mission_slug, 'decisions.events.jsonl')
    writeFileSync(join(world.worktree, STAGED), 'staged\n')
    world.git(world.worktree, 'add', STAGED)
    return world
  }

  git(cwd, ...args) {
    const stdio = ['ignore', 'pipe', 'pipe']
    return execFileSync('git', args, { cwd, env: this.env, encoding: 'utf8', stdio })
  }

  /** Runs a command that must succeed; answers its document. */
  async run(args) {
    const { code, document, err } = await kittiwake(this.root, this.env, args)
    if (code !== 0) throw new Error(`${args[0]} ${args[1]} ended with ${code}: ${err}`)
    return document
  }

  /** Runs a command to whatever end; `env` comes on top. */
  async attempt(args, env = {}) {
    return kittiwake(this.root, { ...this.env, ...env }, args)
  }

  /** Asks so many questions through the API, which is quicker than a command for each. */
  async ask(count) {
    const { createRuntime } = await import('../dist/runtime.js')
    const runtime = await createRuntime({
      root: this.root,
      stateDirectory: this.state,
      link: 'manual',
    })
    try {
      for (let n = 0; n < count; n += 1) {
        const question = `Question ${n}?`
        const asked = await runtime.decisions.request({ mission: this.mission, question })
        this.#open.push(asked.decision_id)
      }
    } finally {
      await runtime.stop()
    }
  }

  /** A question that is not answered yet. */
  async takeOpen() {
    if (this.#open.length === 0) await this.ask(ASKED_AT_ONCE)
    return this.#open.shift()
  }

  answerArgs(id, answer = `To ${id}`) {
    return ['decision', 'answer', id, '--mission', this.mission, '--answer', answer]
  }

  requestArgs(question = 'Which one?') {
    return ['decision', 'request', '--mission', this.mission, '--question', question]
  }

  /** Our commits and the user's on the mission branch, oldest first. */
  commits() {
    return this.git(this.root, 'rev-list', '--reverse', `main..${this.branch}`)
      .split('\n')
      .filter((line) => line !== '')
  }

  /** Those of them that touch the missions: each has a frame until the hub has confirmed it. */
  #framed() {
    const range = `main..${this.branch}`
    return this.git(this.root, 'rev-list', '--reverse', range, '--', 'kitty-specs')
      .split('\n')
      .filter((line) => line !== '')
  }

  pendingHashes() {
    const path = join(this.root, '.kittify', 'sync-state.json')
    if (!existsSync(path)) return []
    return JSON.parse(readFileSync(path, 'utf8')).pending_local_commits.map((one) => one.git_hash)
  }

  /** The records of the log as a commit has it. */
  recordsAt(revision) {
    const path = `${revision}:kitty-specs/${this.mission}/decisions.events.jsonl`
    const { status, stdout } = spawnSync('git', ['show', path], {
      cwd: this.root,
      env: this.env,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
    return status === 0 ? parseLog(stdout) : []
  }

  records() {
    return existsSync(this.log) ? parseLog(readFileSync(this.log, 'utf8')) : []
  }

  /** Native git's complaints, also while a dead process's locks are there; empty is good. */
  gitFaults() {
    const faults = []
    const fsck = spawnSync('git', ['fsck', '--strict', '--no-dangling'], {
      cwd: this.root,
      env: this.env,
      encoding: 'utf8',
    })
    if (fsck.status !== 0 || fsck.stderr.trim() !== '') faults.push(`fsck: ${fsck.stderr.trim()}`)
    for (const cwd of [this.root, this.worktree]) {
      for (const args of [['status', '--porcelain'], ['log', '-1'], ['ls-files']]) {
        const { status, stderr } = spawnSync('git', args, { cwd, env: this.env, encoding: 'utf8' })
        if (status !== 0) faults.push(`git ${args[0]}: ${stderr.trim()}`)
      }
    }
    return faults
  }

  /**
   * What is wrong after a command has healed; empty is good. `acknowledged` holds what the program printed with
   * exit code 0 or 7: `{ decision_id, answer, commit }`, the last one null where only the answer is durable.
   */
  faults(acknowledged) {
    const commits = this.commits()
    const committed = this.recordsAt(this.branch)
    return [
      ...this.gitFaults(),
      ...this.#strayFaults(),
      ...this.#frameFaults(),
      ...this.#commitFaults(commits),
      ...this.#recordFaults(committed),
      ...this.#lossFaults(acknowledged, committed, new Set(commits)),
      ...this.#statusFaults(),
      ...this.#reflogFaults(),
    ]
  }

  remove() {
    rmSync(this.home, { recursive: true, force: true })
  }

  #strayFaults() {
    const faults = []
    for (const folder of [join(this.root, '.git'), join(this.root, '.kittify'), this.worktree]) {
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        if (STRAY.test(name)) faults.push(`left behind: ${name}`)
      }
    }
    const exclude = readFileSync(join(this.root, '.git', 'info', 'exclude'), 'utf8')
    const ours = exclude.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    const known = new Set([EXCLUDED, '.worktrees/'])
    // A line that was cut short hides nothing, and the whole one follows it.
    const isKnown = (line) => known.has(line) || EXCLUDED.startsWith(line)
    const strange = ours.filter((line) => !isKnown(line))
    if (!ours.includes(EXCLUDED) && this.commits().length > 0) strange.push('no sync state')
    if (strange.length > 0) faults.push(`info/exclude has ${JSON.stringify(strange)}`)
    return faults
  }

  #frameFaults() {
    const commits = this.#framed()
    const pending = this.pendingHashes()
    if (pending.join() === commits.join()) return []
    return [`${commits.length} commits, but the frames of ${pending.length} pending`]
  }

  #commitFaults(commits) {
    if (commits.length === 0) return []
    const shown = this.git(
      this.root,
      'log',
      '--name-only',
      '--format=%x00%H %an%x00',
      `main..${this.branch}`,
    ).split('\0')
    const faults = []
    for (let at = 1; at < shown.length; at += 2) {
      const author = shown[at].slice(41)
      const files = shown[at + 1].trim()
      if (author !== AUTHOR) continue
      if (files !== `kitty-specs/${this.mission}/decisions.events.jsonl`) {
        faults.push(`a commit of ours holds ${JSON.stringify(files)}`)
      }
    }
    return faults
  }

  /** Every answer in the worktree is in the branch, and nothing is there twice. */
  #recordFaults(committed) {
    const faults = []
    const here = this.records()
    if (here.some((record) => record === null)) faults.push('a line of the log is no record')
    const events = here.map((record) => record?.event_id)
    if (new Set(events).size !== events.length) faults.push('an event id stands twice')
    const answered = answersOf(here)
    const ids = answered.map((record) => record.payload.decision_id)
    if (new Set(ids).size !== ids.length) faults.push('a decision is answered twice')
    const durable = new Set(answersOf(committed).map((record) => record.event_id))
    const loose = answered.filter((record) => !durable.has(record.event_id))
    if (loose.length > 0) faults.push(`${loose.length} answers are in no commit`)
    return faults
  }

  #lossFaults(acknowledged, committed, commits) {
    const faults = []
    const answerById = new Map(
      answersOf(committed).map(({ payload }) => [payload.decision_id, payload.answer]),
    )
    for (const { decision_id, answer, commit } of acknowledged) {
      if (answerById.get(decision_id) !== answer)
        faults.push(`the answer to ${decision_id} is lost`)
      if (commit === null) continue
      const isNew = !this.#checked.has(`${commit} ${decision_id}`)
      this.#checked.add(`${commit} ${decision_id}`)
      if (!commits.has(commit)) faults.push(`commit ${commit} was reported and can't be reached`)
      else if (
        isNew &&
        !answersOf(this.recordsAt(commit)).some((one) => one.payload.decision_id === decision_id)
      )
        faults.push(`commit ${commit} does not hold the answer to ${decision_id}`)
    }
    return faults
  }

  /** The user's file is staged still; of ours only a request may be waiting for its answer. */
  #statusFaults() {
    const log = `kitty-specs/${this.mission}/decisions.events.jsonl`
    const lines = this.git(this.worktree, 'status', '--porcelain').split('\n')
    const own = new Set(['', `A  ${STAGED}`, `M  ${STAGED}`, ` M ${log}`])
    // Before the first commit of ours the folder is not in the branch.
    if (this.commits().length === 0) own.add('?? kitty-specs/')
    const strange = lines.filter((line) => !own.has(line))
    const faults = strange.map((line) => `git status says "${line}"`)
    if (!lines.some((line) => line.endsWith(`  ${STAGED}`)))
      faults.push("the user's staged file is not staged")
    const main = this.git(this.root, 'status', '--porcelain').split('\n')
    const ours = main.filter(
      (line) => line !== '' && !line.endsWith(' .kittify/') && !line.endsWith(' kitty-specs/'),
    )
    return [...faults, ...ours.map((line) => `git status of the main checkout says "${line}"`)]
  }

  /** A line of a reflog begins with the id with which the line before it ends, and it ends at the tip. */
  #reflogFaults() {
    const faults = []
    const tip = this.git(this.root, 'rev-parse', this.branch).trim()
    const gitDir = this.git(this.worktree, 'rev-parse', '--absolute-git-dir').trim()
    for (const log of [
      join(gitDir, 'logs', 'HEAD'),
      join(this.root, '.git', 'logs', 'refs', 'heads', this.branch),
    ]) {
      const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
      for (const [at, line] of lines.entries()) {
        const before = lines[at - 1]
        if (before !== undefined && before.split(' ')[1] !== line.split(' ')[0]) {
          faults.push('a reflog has a gap')
        }
      }
      if (lines.at(-1)?.split(' ')[1] !== tip) faults.push('a reflog does not end at the tip')
    }
    return faults
  }
}

export function answersOf(records) {
  return records.filter((record) => record?.event_type === 'DecisionInputAnswered')
}

function parseLog(text) {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      try {
        return JSON.parse(line)
      } catch {
        return null
      }
    })
}
