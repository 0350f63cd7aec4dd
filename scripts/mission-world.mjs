// A real project with one mission in temporary folders, driven through the built program.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { realpathSync, rmSync, writeFileSync } from 'node:fs'
import { devNull, tmpdir } from 'node:os'
import { join } from 'node:path'
import { linesOf, rowsOf, STAGED, STATUS } from './mission-files.mjs'
import { kittiwake } from './program.mjs'
import { judge } from './prove/invariants.mjs'
import { gitEvidence, missionEvidence } from './prove/mission-evidence.mjs'

/** How many of each are made at once. */
const PREPARED = { questions: 20, terms: 20, packages: 2 }
/** The end of what was told to end. */
const INTERRUPTED = 130
/** A way on from every lane that asks for nothing, and never ends. */
const LANE_AFTER = {
  planned: 'claimed',
  claimed: 'in_progress',
  in_progress: 'blocked',
  blocked: 'in_progress',
}

export class MissionWorld {
  #questions = []
  #terms = []
  #made = { questions: 0, terms: 0, packages: 0 }
  #plans = 0
  #names = 0
  #ends = []
  /** What `faults` has looked at, so that it looks at each commit once. */
  seen = { held: new Set(), tip: 'main', commits: [] }
  /** The user's part of the index of each checkout, once `rememberIndex` was called. */
  indexes = null

  constructor() {
    this.home = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-mission-')))
    this.root = join(this.home, 'project')
    this.state = join(this.home, 'state')
    this.uuid = ''
    this.mission = ''
    this.branch = ''
    this.worktree = ''
    mkdirSync(join(this.home, 'user'))
    this.env = {
      ...process.env,
      // Nobody but the commands of this run sends anything.
      KITTIWAKE_AUTO_START: '0',
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
    const world = new MissionWorld()
    const format = `--object-format=${process.env.KITTIWAKE_OBJECT_FORMAT ?? 'sha1'}`
    execFileSync('git', ['init', '-q', '-b', 'main', format, world.root], { env: world.env })
    world.git(world.root, 'config', 'gc.auto', '0')
    writeFileSync(join(world.root, 'README.md'), '# Project\n')
    world.git(world.root, 'add', '.')
    world.git(world.root, 'commit', '-q', '-m', 'Start')
    world.uuid = (await world.run(['init'])).project.uuid
    const made = await world.run(['mission', 'create', 'first'])
    world.mission = made.mission_slug
    world.branch = made.branch
    world.worktree = made.worktree
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

  /** Runs a command to whatever end; `env` comes on top. One that serves is told to end once it does. */
  async attempt(args, env = {}, { cwd = this.root, isServing = false, ...limits } = {}) {
    const end = await kittiwake(cwd, { ...this.env, ...env }, args, { isServing, ...limits })
    return isServing && end.code === INTERRUPTED ? { ...end, code: 0 } : end
  }

  /** One that nothing has yet. */
  newName(prefix) {
    this.#names += 1
    return `${prefix}${10 + this.#names}`
  }

  /** Relative to the worktree, as git names it. */
  pathOf(name) {
    return `kitty-specs/${this.mission}/${name}`
  }

  /** A question that is not answered yet. */
  async takeQuestion() {
    if (this.#questions.length === 0) await this.prepare('questions')
    return this.#questions.shift()
  }

  /** A term whose meaning is not settled yet: `{ term, conflict_id }`. */
  async takeTerm() {
    if (this.#terms.length === 0) await this.prepare('terms')
    return this.#terms.shift()
  }

  /** A move that a work package may make now, which is made where it is not there yet: `{ wp_id, to }`. */
  async nextMove(wp_id = 'WP01') {
    const last = this.rows(STATUS).findLast((row) => row?.wp_id === wp_id)
    if (last === undefined) await this.prepare('packages')
    return { wp_id, to: LANE_AFTER[last?.to_lane ?? 'planned'] }
  }

  /** A file in the folder of the mission that no commit holds; answers its path in the worktree. */
  takePlan() {
    this.#plans += 1
    const path = this.pathOf(`plan-${this.#plans}.md`)
    mkdirSync(join(this.worktree, this.pathOf('.')), { recursive: true })
    writeFileSync(join(this.worktree, path), `# Plan ${this.#plans}\n`)
    return path
  }

  /** Makes what commands can be given; through the API, which is quicker than a command for each. */
  async prepare(...kinds) {
    const { createRuntime } = await import('../dist/runtime.js')
    const { root, mission, state: stateDirectory } = this
    const runtime = await createRuntime({ root, stateDirectory, link: 'manual' })
    const makers = {
      packages: (n) => runtime.workPackages.create({ mission, wp_id: `WP${n}` }),
      questions: async (n) => {
        const question = `Question ${n}?`
        const { decision_id } = await runtime.decisions.request({ mission, question })
        this.#questions.push(decision_id)
      },
      terms: async (n) => {
        const options = ['This one', 'That one']
        const asked = { mission, term: `term ${n}`, question: 'Which one?', options }
        this.#terms.push(await runtime.glossary.request(asked))
      },
    }
    try {
      for (const kind of kinds) {
        const from = this.#made[kind] + 1
        this.#made[kind] += PREPARED[kind]
        for (let n = from; n <= this.#made[kind]; n += 1) await makers[kind](n)
      }
    } finally {
      await runtime.stop()
    }
  }

  answerArgs(id, answer = `To ${id}`) {
    return ['decision', 'answer', id, '--mission', this.mission, '--answer', answer]
  }

  requestArgs(question = 'Which one?') {
    return ['decision', 'request', '--mission', this.mission, '--question', question]
  }

  /** Our commits and the user's on the mission branch, oldest first. */
  commits() {
    return linesOf(this.git(this.root, 'rev-list', '--reverse', `main..${this.branch}`))
  }

  /** The rows of a log of the mission as it stands; null for each line that is none. */
  rows(name) {
    return rowsIn(join(this.worktree, this.pathOf(name)))
  }

  glossary() {
    return rowsIn(join(this.root, '.kittify/events/glossary', `${this.mission}.events.jsonl`))
  }

  /** A file of the mission as a commit has it; empty where it has none. */
  textAt(revision, name) {
    const { status, stdout } = spawnSync('git', ['show', `${revision}:${this.pathOf(name)}`], {
      cwd: this.root,
      env: this.env,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
    return status === 0 ? stdout : ''
  }

  rowsAt(revision, name) {
    return rowsOf(this.textAt(revision, name))
  }

  /** From now on, nothing but what is ours may change there. */
  rememberIndex() {
    this.indexes = [this.root, this.worktree].map((cwd) => this.userIndex(cwd))
  }

  userIndex(cwd) {
    const listed = this.git(cwd, 'ls-files', '--stage').split('\n')
    return listed.filter((line) => !line.includes('\tkitty-specs/')).join('\n')
  }

  /** Native git's complaints, also while a dead process's locks are there; empty is good. */
  gitFaults() {
    return judge({ git: gitEvidence(this), commits: [] }).faults
  }

  /**
   * What is wrong after a command has healed; empty is good. `acknowledged` holds what the program said it did:
   * `{ event_id, says, commit, path }`; null is what there is none of. `says` is what the row must say, `path` what a
   * commit of a file must hold. `isLedgerIdle`: the last command wrote to no ledger.
   */
  async faults(acknowledged, isLedgerIdle) {
    return judge(await missionEvidence(this, acknowledged, isLedgerIdle)).faults
  }

  /** Whatever was started for it ends with it. */
  atEnd(end) {
    this.#ends.push(end)
  }

  remove() {
    for (const end of this.#ends.splice(0)) end()
    rmSync(this.home, { recursive: true, force: true })
  }
}

function rowsIn(path) {
  return existsSync(path) ? rowsOf(readFileSync(path, 'utf8')) : []
}
