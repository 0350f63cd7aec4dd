// The git thread's resource without a repository: logs, commits and what a hub has confirmed outlive thread and process.

const ANSWER_MS = [1, 25]

/** The ledger of a repository: `missions` by directory name. */
export class SimRepository {
  missions = new Map()
  /** Hashes in the order of the branch. */
  commits = []
  /** By hub and epoch. */
  confirmed = new Map()
  /** Who confirmed last; null before the first. */
  confirmer = null
  /**
   * Why commits are deferred now; null while nothing is in their way.
   *
   * @type {string | null}
   */
  obstacle = null
  /** Set while the ledger can't be used at all. */
  isBroken = false
  projectUuid
  #watchers = new Set()

  constructor(projectUuid) {
    this.projectUuid = projectUuid
  }

  get rows() {
    return [...this.missions.values()].flat()
  }

  /** An answer is in no commit. */
  get isLoose() {
    return this.rows.some(({ event_type, commit }) => isAnswer(event_type) && commit === null)
  }

  log(mission) {
    const known = this.missions.get(mission) ?? []
    this.missions.set(mission, known)
    return known
  }

  commit(mission) {
    const answers = this.log(mission).filter(({ event_type }) => isAnswer(event_type))
    if (answers.length > 0 && answers.every(({ commit }) => commit !== null)) {
      return answers.at(-1).commit
    }
    return this.#add(this.log(mission).filter(({ commit }) => commit === null))
  }

  /** The user's own commit on the branch of a mission, by native git. */
  commitNatively() {
    this.#add([])
  }

  confirmedBy(hub) {
    const known = this.confirmed.get(hub) ?? new Set()
    this.confirmed.set(hub, known)
    return known
  }

  /** `changed` is called for each commit, by whatever program. */
  watch(changed) {
    this.#watchers.add(changed)
    return () => this.#watchers.delete(changed)
  }

  #add(rows) {
    const hash = String(this.commits.length + 1).padStart(40, '0')
    this.commits.push(hash)
    for (const row of rows) row.commit = hash
    for (const changed of this.#watchers) changed()
    return hash
  }
}

export function openSimGit({ repository, report, random, clock }) {
  return new SimGit({ repository, report, random, clock })
}

class SimGit {
  #parts
  #hub = null
  #tail = Promise.resolve()
  #unwatch = () => undefined

  constructor(parts) {
    this.#parts = parts
  }

  /** One at a time: a second command must see what the first one wrote. */
  handle(commands) {
    const { clock, random } = this.#parts
    return commands.map((command) => {
      const answer = this.#tail.then(async () => {
        await clock.wait(random.between(...ANSWER_MS))
        return this.#answer(command)
      })
      this.#tail = answer
      return answer
    })
  }

  async close() {
    this.#unwatch()
    await this.#tail
  }

  abandon() {
    this.#unwatch()
  }

  #answer(command) {
    // What is only remembered or looked at needs no ledger.
    const isLedgers = command.type !== 'git.target' && command.type !== 'git.watch'
    if (isLedgers && this.#parts.repository.isBroken) return refused('LOCK_UNUSABLE', true)
    return this.#dispatch(command)
  }

  #dispatch(command) {
    const { repository, report } = this.#parts
    switch (command.type) {
      case 'git.request':
        return this.#append(command.mission, command.record)
      case 'git.answer':
        return this.#record(command.mission, command.record)
      case 'git.commit':
        return this.#commit(command.mission)
      case 'git.locate': {
        const row = find(repository.log(command.mission), command.event_id)
        return { type: 'git.located', commit: row?.commit ?? null }
      }
      case 'git.heal':
        return this.#heal()
      case 'git.frames':
        return { type: 'git.framed', frames: this.#frames(command.except) }
      case 'git.confirm': {
        const confirmed = this.#confirmed()
        for (const hash of command.hashes) confirmed.add(hash)
        return { type: 'git.confirmed', pending: this.#frames().length }
      }
      case 'git.target':
        this.#hub = `${command.login} ${command.epoch}`
        return { type: 'git.targeted' }
      case 'git.watch':
        this.#unwatch()
        this.#unwatch = repository.watch(() => report({ type: 'git.changed' }))
        return { type: 'git.watching' }
    }
    throw new Error(`the simulated ledger knows no ${command.type}`)
  }

  #append(mission, record) {
    const log = this.#parts.repository.log(mission)
    const duplicate = find(log, record.event_id) !== undefined
    if (!duplicate) log.push({ ...record, commit: null })
    return { type: 'git.appended', event_id: record.event_id, duplicate }
  }

  /** The same answer again is no second record, another one is refused. */
  #record(mission, record) {
    const { decision_id, answer } = record.payload
    const of = this.#parts.repository
      .log(mission)
      .filter(({ payload }) => payload.decision_id === decision_id)
    const known = of.find(({ event_type }) => isAnswer(event_type))
    if (of.length === 0) return refused('DECISION_UNKNOWN')
    if (known === undefined) return this.#append(mission, record)
    if (known.payload.answer !== answer) return refused('DECISION_ALREADY_ANSWERED')
    return { type: 'git.appended', event_id: known.event_id, duplicate: true }
  }

  #commit(mission) {
    const { repository } = this.#parts
    if (repository.obstacle !== null) {
      return { type: 'git.deferred', deferral: deferralOf(mission, repository.obstacle) }
    }
    const commit = repository.commit(mission)
    return { type: 'git.committed', commit, frames: this.#frames().length }
  }

  #heal() {
    const { repository } = this.#parts
    const waiting = [...repository.missions].filter(([, log]) =>
      log.some(({ event_type, commit }) => isAnswer(event_type) && commit === null),
    )
    const { obstacle } = repository
    const deferred =
      obstacle === null ? [] : waiting.map(([mission]) => deferralOf(mission, obstacle))
    const committed =
      obstacle === null ? waiting.map(([mission]) => repository.commit(mission)) : []
    return { type: 'git.healed', committed, deferred, unqueued: [] }
  }

  /** By the hub that has greeted, or else by the last one that any thread knew. */
  #confirmed() {
    const { repository } = this.#parts
    repository.confirmer = this.#hub ?? repository.confirmer
    return repository.confirmedBy(repository.confirmer)
  }

  /** Those that this hub has neither confirmed nor, by `except`, refused, in the order of the branch. */
  #frames(except = []) {
    const { repository } = this.#parts
    const confirmed = this.#confirmed()
    return repository.commits
      .filter((hash) => !confirmed.has(hash) && !except.includes(hash))
      .map((git_hash) => ({
        type: 'LocalCommit',
        git_hash,
        project_uuid: repository.projectUuid,
      }))
  }
}

function isAnswer(event_type) {
  return event_type === 'DecisionInputAnswered'
}

function find(log, id) {
  return log.find(({ event_id }) => event_id === id)
}

function deferralOf(mission, reason) {
  return { mission, ledger: 'decisions', reason, message: `simulated: ${reason}` }
}

function refused(code, retryable = false) {
  const error = {
    name: 'GitError',
    code,
    message: `simulated: ${code}`,
    hint: null,
    retryable,
  }
  return { type: 'git.refused', error }
}
