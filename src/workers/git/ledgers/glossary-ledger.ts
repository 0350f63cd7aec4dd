/**
 * The glossary of one repository: each mission's log, and the scopes' files that resolutions change. The log comes first.
 * What is about to be put into a file is marked before, so that the next command does it where this one dies.
 */
import { foldGlossary, isSameMeaning } from '../../../contracts/ledgers/fold-glossary.ts'
import type { NumberedGlossaryRow } from '../../../contracts/ledgers/fold-glossary.ts'
import { encodeGlossaryRecord } from '../../../contracts/ledgers/glossary-record.ts'
import type {
  GlossaryRecord,
  ResolutionRecord,
} from '../../../contracts/ledgers/glossary-record.ts'
import type { Scope, Sense } from '../../../contracts/ledgers/glossary-sense.ts'
import { KittiwakeError } from '../../../errors.ts'
import { asProjectError } from '../../../project/files/replace-file.ts'
import type { Repository } from '../../../project/types.ts'
import { appendLines, repairLog } from '../logs/append-log.ts'
import { DurableFs } from '../disk/durable-fs.ts'
import type { OnStep } from '../disk/durable-fs.ts'
import { alreadyResolved, conflictUnknown } from './glossary-errors.ts'
import {
  glossaryPlace,
  inTimeOrder,
  parseGlossaryLines,
  readGlossaryLogs,
} from '../logs/glossary-log.ts'
import { examineGlossary, repairGlossary } from './glossary-repairer.ts'
import { withLedgerLock } from './ledger-lock.ts'
import { SeedFiles } from './seed-files.ts'
import type { SeedPlan } from './seed-files.ts'
import { readLog } from '../logs/log-file.ts'
import type { LogPlace } from '../logs/log-file.ts'
import type { LedgerRepair } from './log-repairer.ts'
import type { Glossed, GlossaryEntry } from '../protocol.ts'
import { SeedMark } from './seed-mark.ts'
import { SeedRecovery } from './seed-recovery.ts'
import { Unqueued } from './unqueued.ts'
import { Warnings } from '../warnings.ts'
import type { LedgerWarning } from '../warnings.ts'

export type GlossaryOptions = {
  readonly repository: Repository
  /** The sanitizer at this write boundary; throws where the value is not clean. */
  readonly assertClean: (value: unknown) => void
  /** Called before each change of the disk. */
  readonly onStep?: OnStep
}

/** Its methods throw KittiwakeError, and nothing else but bugs. */
export class GlossaryLedger {
  readonly #options: GlossaryOptions
  readonly #fs: DurableFs
  readonly #seeds: SeedFiles
  readonly #mark: SeedMark
  readonly #recovery: SeedRecovery
  readonly #unqueued: Unqueued
  readonly #warnings = new Warnings()

  constructor(options: GlossaryOptions) {
    const { repository, onStep } = options
    const { root, commonDir } = repository
    const warnings = this.#warnings
    this.#options = options
    this.#fs = new DurableFs(commonDir, onStep)
    this.#seeds = new SeedFiles(root, this.#fs)
    this.#mark = new SeedMark(commonDir, this.#fs, warnings)
    this.#recovery = new SeedRecovery({ ...options, fs: this.#fs, warnings })
    this.#unqueued = new Unqueued({ fs: this.#fs, root, commonDir, warnings })
  }

  /**
   * Appends what belongs together and puts its sense into the scope's file; all of it is durable when it returns. The same
   * entry again, or the same resolution of a clarification, is answered by what is there.
   *
   * @throws GitError GLOSSARY_CONFLICT_UNKNOWN, GLOSSARY_ALREADY_RESOLVED, GLOSSARY_SEED_UNUSABLE, LEDGER_*
   */
  async record(mission: string, entry: GlossaryEntry): Promise<Glossed> {
    const sense = senseOf(entry.records)
    const recoverSeeds = (): Promise<void> =>
      sense === null ? this.#recovery.tryToRecover() : this.#recovery.recover()
    return this.#run(recoverSeeds, async () => {
      const place = this.#placeOf(mission)
      const scope = sense?.scope ?? null
      const bytes = (await readLog(place)) ?? Buffer.alloc(0)
      const earlier = this.#repeated(place, bytes, entry.records)
      if (earlier !== null) {
        // Whoever wrote it may have died before it was on the disk.
        await repairLog(place)
        return { event_id: earlier, duplicate: true, scope, changed: false }
      }
      // Before anything is written: what can't be put into the file is refused whole.
      const plan = sense === null ? null : this.#seeds.plan(sense)
      const records = entry.records.map((one) => withUpdateType(one, plan))
      this.#options.assertClean(records)
      const isChanging = plan !== null && plan.change !== null
      for (const { event, event_id } of entry.events) {
        await this.#unqueued.note(event, event_id, place.path)
      }
      if (isChanging)
        await this.#mark.set(
          mission,
          records.map(({ event_id }) => event_id),
        )
      await appendLines(place, records.map(encodeGlossaryRecord))
      if (sense !== null && isChanging) {
        await this.#seeds.put(sense, plan)
        await this.#mark.clear()
      }
      return { event_id: headOf(records), duplicate: false, scope, changed: isChanging }
    })
  }

  /** Puts what a dead command had still to put into a file there; where that can't be done, it is a warning. */
  async heal(): Promise<void> {
    const recoverSeeds = (): Promise<void> => this.#recovery.tryToRecover()
    return this.#run(recoverSeeds, async () => undefined)
  }

  /** Puts every sense of the logs that the files lack into them, the last word of each term; answers the changed scopes. */
  async replay(): Promise<readonly Scope[]> {
    // What is on its way is among what the logs say.
    const recoverSeeds = async (): Promise<void> => undefined
    return this.#run(recoverSeeds, async () => {
      const { root } = this.#options.repository
      const changed = new Set<Scope>()
      const { logs } = readGlossaryLogs(root)
      for (const sense of foldGlossary(new Map(), inTimeOrder(logs)).senses.values()) {
        this.#options.assertClean(sense)
        if (await this.#seeds.put(sense)) changed.add(sense.scope)
      }
      await this.#mark.clear()
      return [...changed]
    })
  }

  /** Puts a damaged log right; with `isDry`, says what it would do. @throws GitError LEDGER_CHANGED, REPAIR_UNPROVEN */
  async repair(mission: string, isDry: boolean): Promise<LedgerRepair> {
    const place = this.#placeOf(mission)
    if (!isDry) {
      const recoverSeeds = (): Promise<void> => this.#recovery.tryToRecover()
      return this.#run(recoverSeeds, () => repairGlossary(place))
    }
    try {
      return await examineGlossary(place)
    } catch (error) {
      throw errorFrom(error)
    }
  }

  /** What was found damaged and put right since the last call. */
  takeWarnings(): readonly LedgerWarning[] {
    return this.#warnings.take()
  }

  /** The id of what says the same already, or null. @throws where a clarification can't be resolved so. */
  #repeated(place: LogPlace, bytes: Buffer, records: readonly GlossaryRecord[]): string | null {
    const id = headOf(records)
    const resolution = records.find((one) => one.event_type === 'GlossaryClarificationResolved')
    // Most rows ask for nothing more than to be there once.
    if (resolution === undefined && !bytes.includes(id)) return null
    const { rows } = parseGlossaryLines(bytes, place.mission)
    if (rows.some(({ row }) => row.event_id === id)) return id
    return resolution === undefined ? null : resolvedSo(rows, resolution)
  }

  #placeOf(mission: string): LogPlace {
    const { repository, onStep = () => undefined } = this.#options
    const hands = { fs: this.#fs, onStep, warnings: this.#warnings }
    return glossaryPlace(repository.root, mission, hands)
  }

  async #run<T>(recoverSeeds: () => Promise<void>, body: () => Promise<T>): Promise<T> {
    const { repository, onStep } = this.#options
    const hands = { errorFrom, recoverSeeds, ...(onStep === undefined ? {} : { onStep }) }
    // The ledgers' lock, under which events are noted too.
    return withLedgerLock(repository, hands, body)
  }
}

function errorFrom(error: unknown): unknown {
  return error instanceof KittiwakeError ? error : asProjectError(error)
}

/** The record that the others of an entry go before. */
function headOf(records: readonly GlossaryRecord[]): string {
  return records.at(-1)?.event_id ?? ''
}

/** Which it is depends on the file as it stands under the lock. */
function withUpdateType(record: GlossaryRecord, plan: SeedPlan | null): GlossaryRecord {
  if (record.event_type !== 'GlossarySenseUpdated') return record
  return { ...record, update_type: plan?.isKnown === true ? 'update' : 'create' }
}

/** What the entry says of a term; its rows say the same. */
function senseOf(records: readonly GlossaryRecord[]): Sense | null {
  for (const record of records) {
    if (record.event_type === 'GlossarySenseUpdated') return record.new_sense
    if (record.event_type === 'GlossaryClarificationResolved') {
      return { ...record.selected_sense, status: 'active' }
    }
  }
  return null
}

/** The id of the resolution that is there, where it says the same; null while there is none. */
function resolvedSo(rows: readonly NumberedGlossaryRow[], wanted: ResolutionRecord): string | null {
  const found = foldGlossary(new Map(), rows).clarifications.get(wanted.conflict_id)
  if (found === undefined) throw conflictUnknown()
  const { resolution } = found
  if (resolution === null) return null
  if (!isSameMeaning(resolution.sense, { ...wanted.selected_sense, status: 'active' })) {
    throw alreadyResolved()
  }
  return resolution.event_id ?? wanted.conflict_id
}
