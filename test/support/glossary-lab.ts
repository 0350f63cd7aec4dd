/** A repository, the glossary's writer in it, and entries as the door makes them. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ulid } from 'ulid'
import type { SerializedEvent } from '#dist/contracts/event.js'
import type { Scope, Sense } from '#dist/contracts/ledgers/glossary-sense.js'
import { GlossaryLedger } from '#dist/workers/git/ledgers/glossary-ledger.js'
import { GitRepository } from './git-repository.ts'

type Entry = Parameters<GlossaryLedger['record']>[1]
type Options = ConstructorParameters<typeof GlossaryLedger>[0]
type Glossed = Awaited<ReturnType<GlossaryLedger['record']>>

export const SCOPE_FILE = '.kittify/glossaries/team_domain.yaml'

const TIMESTAMP = '2026-06-01T07:00:00.000000+00:00'
const ACTOR = { actor_id: 'cli', actor_type: 'human', display_name: 'cli' } as const
const PROVENANCE = { source: 'user_clarification', timestamp: TIMESTAMP, actor_id: 'cli' }

export class GlossaryLab {
  readonly #git = GitRepository.withCommit(['-b', 'main'])
  readonly mission = 'harbour-01J00000'
  /** The ids of the rows whose events are noted. */
  readonly events: string[] = []

  get root(): string {
    return this.#git.root
  }

  get repository() {
    const { root } = this
    const commonDir = join(root, '.git')
    return { root, worktree: root, gitDir: commonDir, commonDir }
  }

  get logPath(): string {
    return join(this.root, '.kittify/events/glossary', `${this.mission}.events.jsonl`)
  }

  ledger(options: Partial<Options> = {}): GlossaryLedger {
    const { repository } = this
    return new GlossaryLedger({ repository, assertClean: () => undefined, ...options })
  }

  log(): string {
    return existsSync(this.logPath) ? readFileSync(this.logPath, 'utf8') : ''
  }

  rows(): Record<string, unknown>[] {
    const lines = this.log().split('\n').filter(Boolean)
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  seed(): string {
    const path = join(this.root, SCOPE_FILE)
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }

  writeSeed(text: string): void {
    mkdirSync(dirname(join(this.root, SCOPE_FILE)), { recursive: true })
    writeFileSync(join(this.root, SCOPE_FILE), text)
  }

  /** Of what this runtime keeps in the git directory, locks left out. */
  files(): readonly string[] {
    const state = join(this.repository.commonDir, 'kittiwake')
    const names = readdirSync(state, { recursive: true, encoding: 'utf8' })
    return names.filter((name) => !name.endsWith('.db')).sort()
  }

  async ask(term: string): Promise<{ readonly conflict_id: string; readonly event_id: string }> {
    const entry = this.request(term)
    const { event_id } = await this.ledger().record(this.mission, entry)
    const [row] = entry.records as readonly { conflict_id: string }[]
    return { conflict_id: row?.conflict_id ?? '', event_id }
  }

  async resolve(conflictId: string, definition: string): Promise<Glossed> {
    const entry = this.resolution(conflictId, 'workspace', definition)
    return this.ledger().record(this.mission, entry)
  }

  async define(term: string, definition: string, ledger = this.ledger()): Promise<Glossed> {
    return ledger.record(this.mission, this.definition(term, definition))
  }

  async observe(term: string, ledger = this.ledger()): Promise<Glossed> {
    return ledger.record(this.mission, {
      records: [
        {
          event_id: ulid(),
          event_type: 'TermCandidateObserved',
          timestamp: TIMESTAMP,
          term,
          source_step: 'manual',
          actor_id: 'cli',
          confidence: 1,
          extraction_method: 'manual',
          context: '',
          mission_id: 'm',
          run_id: 'cli',
        },
      ],
      events: [],
    })
  }

  definition(term: string, definition: string, scope: Scope = 'team_domain'): Entry {
    const new_sense: Sense = { surface: term, scope, definition, confidence: 1, status: 'active' }
    return {
      records: [
        {
          event_id: ulid(),
          event_type: 'GlossarySenseUpdated',
          timestamp: TIMESTAMP,
          term_surface: term,
          scope,
          new_sense,
          actor: ACTOR,
          update_type: 'create',
          provenance: PROVENANCE,
        },
      ],
      events: [],
    }
  }

  request(term: string): Entry {
    const event_id = ulid()
    return {
      records: [
        {
          event_id,
          event_type: 'GlossaryClarificationRequested',
          timestamp: TIMESTAMP,
          question: 'Which?',
          term,
          options: ['A worktree', 'A folder'],
          urgency: 'medium',
          mission_id: 'm',
          run_id: 'cli',
          step_id: 'manual',
          conflict_id: ulid(),
          semantic_check_event_id: 'manual',
          scope_id: 'team_domain',
        },
      ],
      events: [this.#event(event_id)],
    }
  }

  resolution(conflict_id: string, surface: string, definition: string): Entry {
    const event_id = ulid()
    return {
      records: [
        {
          event_id,
          event_type: 'GlossaryClarificationResolved',
          timestamp: TIMESTAMP,
          conflict_id,
          term_surface: surface,
          selected_sense: { surface, scope: 'team_domain', definition, confidence: 1 },
          actor: ACTOR,
          resolution_mode: 'interactive',
          provenance: PROVENANCE,
        },
      ],
      events: [this.#event(event_id)],
    }
  }

  #event(event_id: string): Entry['events'][number] {
    this.events.push(event_id)
    return { event_id, event: `{"event_id":"${event_id}"}` as SerializedEvent }
  }

  remove(): void {
    this.#git.remove()
  }
}
