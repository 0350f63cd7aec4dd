/** The git worker's resource: the ledger of one repository, asked one command at a time. */
import { createSanitizer } from '../../events/sanitize.ts'
import { errorToWire, KittiwakeError, LinkError } from '../../errors.ts'
import { authorOf } from '../../project/author.ts'
import { ensureCoordinationWorktree } from '../../project/missions/coordination-worktree.ts'
import { identityOrNull } from '../../project/identity.ts'
import { targetBy } from '../../project/login/login.ts'
import { MissionFinder } from '../../project/missions/mission-finder.ts'
import { readMission } from '../../project/missions/missions.ts'
import { protectedBranches } from '../../project/git/protection.ts'
import type { Service } from '../serve.ts'
import { GlossaryLedger } from './ledgers/glossary-ledger.ts'
import { IndexWatch } from './index/index-watch.ts'
import { Ledger } from './ledgers/ledger.ts'
import { RefWatch } from './ref-watch.ts'
import type { GitAnswer, GitCommand, GitFact, GitInput } from './protocol.ts'

export async function openGitService(
  input: GitInput,
  report: (fact: GitFact) => void,
): Promise<Service<GitCommand, GitAnswer>> {
  const resources = { ledger: openLedger(input), glossary: openGlossary(input) }
  return new GitService(resources, input, report)
}

type LedgerInput = Omit<GitInput, 'state'>

export function openGlossary({ repository, literals }: LedgerInput): GlossaryLedger {
  const sanitizer = createSanitizer(literals)
  return new GlossaryLedger({ repository, assertClean: (value) => sanitizer.assertClean(value) })
}

/** The ledger of a repository by what its files say. */
export function openLedger(
  { repository, literals }: LedgerInput,
  { leavesSeeds = false }: { readonly leavesSeeds?: boolean } = {},
): Ledger {
  const sanitizer = createSanitizer(literals)
  const finder = new MissionFinder(repository)
  return new Ledger({
    repository,
    identity: () => identityOrNull(repository),
    placementOf: async (directory) =>
      ensureCoordinationWorktree(repository, await readMission(repository, directory)),
    missions: (isKnown) => finder.find(isKnown),
    protectedBranches: async () => protectedBranches(repository),
    author: () => authorOf(repository),
    assertClean: (value) => sanitizer.assertClean(value),
    clean: (value) => sanitizer.sanitize(value).value,
    leavesSeeds,
  })
}

type Resources = { readonly ledger: Ledger; readonly glossary: GlossaryLedger }

class GitService implements Service<GitCommand, GitAnswer> {
  readonly #ledger: Ledger
  readonly #glossary: GlossaryLedger
  readonly #watch: RefWatch
  readonly #indexes: IndexWatch
  readonly #report: (fact: GitFact) => void
  readonly #state: string
  /** The login by which the link was opened is not there any more. */
  #isAimless = false
  #tail: Promise<unknown> = Promise.resolve()

  constructor(
    { ledger, glossary }: Resources,
    { repository, state }: GitInput,
    report: (fact: GitFact) => void,
  ) {
    this.#ledger = ledger
    this.#glossary = glossary
    this.#watch = new RefWatch(repository, {
      changed: () => report({ type: 'git.changed' }),
      marked: () => void this.#recoverSeeds(),
      noted: () => void this.#reportUnqueued(),
      restaged: () => void this.#mend(),
    })
    this.#indexes = new IndexWatch(repository.commonDir, () => this.#mend())
    this.#report = report
    this.#state = state
  }

  /** One at a time: a second command must see what the first one wrote. */
  handle(commands: readonly GitCommand[]): readonly Promise<GitAnswer>[] {
    return commands.map((command) => {
      const answer = this.#tail.then(() => this.#answer(command))
      this.#tail = answer
      return answer
    })
  }

  async close(): Promise<void> {
    this.#watch.stop()
    await this.#indexes.end()
    await this.#tail
  }

  async #answer(command: GitCommand): Promise<GitAnswer> {
    try {
      if (this.#indexes.isDue) await this.#mendAhead()
      return await this.#dispatch(command)
    } catch (error) {
      return { type: 'git.refused', error: errorToWire(error) }
    } finally {
      this.#warn()
    }
  }

  /** Whose mark still stands once the lock is free has died. */
  #recoverSeeds(): Promise<void> {
    return this.#inTurn(() => this.#glossary.heal())
  }

  /** Commands may stand in line for as long as the user's next commit takes to come. What fails is tried again in turn. */
  async #mendAhead(): Promise<void> {
    await this.#ledger.mend().catch((error: unknown) => {
      if (!(error instanceof KittiwakeError)) throw error
    })
    this.#indexes.remember()
  }

  #mend(): Promise<void> {
    return this.#inTurn(() => this.#ledger.mend())
  }

  #reportUnqueued(): Promise<void> {
    return this.#inTurn(async () => {
      const unqueued = await this.#ledger.unqueued()
      if (unqueued.length > 0) this.#report({ type: 'git.noted', unqueued })
    })
  }

  /** What nobody asked for. Where the lock is not free in time, whoever writes next does it. */
  #inTurn(work: () => Promise<unknown>): Promise<void> {
    const turn = this.#tail.then(async () => {
      await work().catch((error: unknown) => {
        if (!(error instanceof KittiwakeError)) throw error
      })
      this.#warn()
    })
    this.#tail = turn
    return turn
  }

  #aim({ takes = [], ...greeted }: Extract<GitCommand, { type: 'git.target' }>): void {
    const hub = targetBy(this.#state, greeted)
    this.#isAimless = hub === null
    if (hub !== null) this.#ledger.confirmBy(hub, takes)
  }

  #warn(): void {
    for (const warning of [...this.#ledger.takeWarnings(), ...this.#glossary.takeWarnings()]) {
      this.#report({ type: 'git.warned', ...warning })
    }
  }

  async #dispatch(command: GitCommand): Promise<GitAnswer> {
    const ledger = this.#ledger
    switch (command.type) {
      case 'git.request':
        return { type: 'git.appended', ...(await ledger.request(command.mission, command.record)) }
      case 'git.answer':
        return { type: 'git.appended', ...(await ledger.answer(command.mission, command.record)) }
      case 'git.commit': {
        const answer = await ledger.commit(command.mission, command.ledger)
        if (answer.type === 'git.committed') this.#indexes.begin()
        return answer
      }
      case 'git.look': {
        const facts = await ledger.look(command.mission, command.wp_id)
        return { type: 'git.looked', facts }
      }
      case 'git.move':
        return { type: 'git.appended', ...(await ledger.move(command.mission, command.record)) }
      case 'git.gloss':
        return {
          type: 'git.glossed',
          ...(await this.#glossary.record(command.mission, command.entry)),
        }
      case 'git.locate': {
        const commit = await ledger.locate(command.mission, command.event_id)
        return { type: 'git.located', commit }
      }
      case 'git.heal':
        return { type: 'git.healed', ...(await ledger.heal()) }
      case 'git.forget':
        await ledger.forget(command.event_ids)
        return { type: 'git.forgotten' }
      case 'git.frames':
        if (this.#isAimless) throw loginChanged()
        return { type: 'git.framed', frames: await ledger.offer(command.except) }
      case 'git.confirm':
        return { type: 'git.confirmed', pending: await ledger.confirm(command.hashes) }
      case 'git.target':
        this.#aim(command)
        return { type: 'git.targeted' }
      case 'git.watch':
        await this.#watch.start()
        return { type: 'git.watching' }
    }
  }
}

function loginChanged(): LinkError {
  return new LinkError('LOGIN_CHANGED', 'another login was stored meanwhile', {
    hint: 'Nothing to do: the link opens anew by it.',
    retryable: true,
  })
}
