import { Option } from 'clipanion'
import { counted } from '../../contracts/values/counted.ts'
import { EXIT } from '../../errors.ts'
import type { RepairedLog } from '../../repair-logs.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { columns } from '../output.ts'

export class LogRepairCommand extends KittiwakeCommand {
  static override paths = [['log', 'repair']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Repository',
    description: 'Heal logs with conflict markers, torn lines or rows that are there twice',
    details:
      'No id is dropped, and the log is kept in the git directory as it was. Then it is committed; while a merge is under way, and where it is a glossary log, you commit it yourself.',
    examples: [
      ['What is wrong', 'kittiwake log repair --dry-run'],
      ['One mission', 'kittiwake log repair --mission login'],
    ],
  })

  mission = Option.String('--mission', { description: 'Directory name, slug or ULID; default all' })
  dryRun = Option.Boolean('--dry-run', false, { description: 'Say what would be done, only' })

  override get safety(): Safety {
    return this.dryRun ? 'safe' : 'unsafe'
  }

  async run(): Promise<Result> {
    const { locateRepository } = await import('../../project/git/locate.ts')
    const { listMissions, readMission } = await import('../../project/missions/missions.ts')
    const { repairLogs } = await import('../../repair-logs.ts')
    const repository = await locateRepository(this.context.cwd)
    const missions =
      this.mission === undefined
        ? (await listMissions(repository)).missions
        : [await readMission(repository, this.mission)]
    const wish = { missions, hasOthers: this.mission === undefined, isDry: this.dryRun }
    const { logs, warnings } = await repairLogs(repository, wish)
    for (const { code, message } of warnings) this.warn(code, message)
    const shown = logs.filter((log) => !log.ok || log.repair.changed)
    return {
      fields: { dry_run: this.dryRun, logs: logs.map(fieldsOf) },
      text: shown.length === 0 ? 'All logs are whole.' : columns(shown.map(rowOf)),
      exit: exitOf(logs),
    }
  }
}

function fieldsOf(log: RepairedLog) {
  const { mission_slug, ledger } = log
  if (!log.ok) return { mission_slug, ledger, state: 'refused', error: log.error.toJSON() }
  const { commit, ...repair } = log.repair
  return {
    mission_slug,
    ledger,
    state: stateOf(log),
    ...repair,
    commit: commit?.type === 'git.committed' ? commit.commit : null,
    deferred_reason: commit?.type === 'git.deferred' ? commit.deferral.reason : null,
  }
}

function stateOf(log: RepairedLog): 'refused' | 'whole' | 'damaged' | 'repaired' {
  if (!log.ok) return 'refused'
  if (!log.repair.changed) return 'whole'
  return log.repair.kept === null ? 'damaged' : 'repaired'
}

function rowOf(log: RepairedLog): readonly string[] {
  const name = `${log.mission_slug} ${log.ledger}`
  if (!log.ok) return [name, 'refused', log.error.message]
  const { markers, duplicates, unreadable, conflicts, kept, commit } = log.repair
  const counts = `${counted(markers, 'conflict marker')}, ${counted(duplicates, 'row')} twice, ${counted(unreadable, 'unreadable line')}, ${counted(conflicts.length, 'id')} with two contents`
  const deferral =
    commit?.type === 'git.deferred' ? `; not committed: ${commit.deferral.message}` : ''
  return [name, stateOf(log), `${counts}${kept === null ? '' : `; as it was: ${kept}`}${deferral}`]
}

function exitOf(logs: readonly RepairedLog[]): number {
  if (logs.some(({ ok }) => !ok)) return EXIT.failed
  const isDeferred = logs.some((log) => log.ok && log.repair.commit?.type === 'git.deferred')
  return isDeferred ? EXIT.deferred : EXIT.ok
}
