import { Option } from 'clipanion'
import { counted } from '../../contracts/values/counted.ts'
import { LANES } from '../../contracts/ledgers/lanes.ts'
import { EXIT, KittiwakeError } from '../../errors.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import type { MissionListing } from '../../project/missions/missions.ts'
import type { Mission, Repository } from '../../project/types.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { columns, oneLine } from '../output.ts'

const LANE_WIDTH = 12

type Board = {
  readonly mission_slug: string
  readonly lanes: Readonly<Record<string, string[]>>
  /** By work package, of those that have one. */
  readonly titles: Readonly<Record<string, string>>
}

abstract class StatusReadingCommand extends KittiwakeCommand {
  mission = Option.String('--mission', { description: 'Directory name, slug or ULID; default all' })

  override get safety(): Safety {
    return 'safe'
  }

  /** The mission that was named, or all. */
  protected async missions(): Promise<MissionListing & { repository: Repository }> {
    const { locateRepository } = await import('../../project/git/locate.ts')
    const { listMissions, readMission } = await import('../../project/missions/missions.ts')
    const repository = await locateRepository(this.context.cwd)
    if (this.mission !== undefined) {
      return {
        repository,
        missions: [await readMission(repository, this.mission)],
        unreadable: [],
      }
    }
    return { repository, ...(await listMissions(repository)) }
  }
}

export class StatusCommand extends StatusReadingCommand {
  static override paths = [['status']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Work packages',
    description: 'Show the board: which work packages are in which lane',
    examples: [
      ['All missions', 'kittiwake status'],
      ['One mission', 'kittiwake status --mission login'],
    ],
  })

  async run(): Promise<Result> {
    const { readStatus } = await import('../../workers/git/logs/status-log.ts')
    const { repository, missions, unreadable } = await this.missions()
    for (const { directory, fault } of unreadable) {
      this.warn('MISSION_UNREADABLE', `${directory}: ${fault}`)
    }
    const { packageTitles } = await import('../../package-titles.ts')
    const boards: Board[] = []
    for (const mission of missions) {
      const reading = await readStatus(repository, mission).catch((error: unknown) =>
        this.#passOver(mission, error),
      )
      if (reading === null) continue
      const { fold, skipped } = reading
      this.warnOfLines(skipped, mission.directory)
      const lanes: Record<string, string[]> = Object.fromEntries(LANES.map((lane) => [lane, []]))
      for (const { wp_id, lane } of fold.packages.values()) (lanes[lane] ??= []).push(wp_id)
      const titles = await packageTitles(repository, mission, fold.packages.values())
      boards.push({ mission_slug: mission.directory, lanes, titles })
    }
    const text = boards.map(boardText)
    return {
      fields: { missions: boards },
      text: text.length === 0 ? 'No missions.' : text.join('\n'),
    }
  }

  /** Of many, one that can't be read hides no other. */
  #passOver(mission: Mission, error: unknown): null {
    if (this.mission !== undefined || !(error instanceof KittiwakeError)) throw error
    this.warn('MISSION_UNREADABLE', `${mission.directory}: ${error.message}`)
    return null
  }
}

export class StatusVerifyCommand extends StatusReadingCommand {
  static override paths = [['status', 'verify']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Work packages',
    description: 'Check status logs: their lines, their moves and their snapshots',
    details: `Reads only. Exit code ${EXIT.failed} says that something is wrong.`,
    examples: [['All missions', 'kittiwake status verify']],
  })

  async run(): Promise<Result> {
    const { checkStatus } = await import('../../workers/git/logs/status-log.ts')
    const { repository, missions, unreadable } = await this.missions()
    const checks: object[] = unreadable.map(({ directory }) => ({
      mission_slug: directory,
      error: 'MISSION_UNREADABLE',
    }))
    const lines = unreadable.map(({ directory, fault }) => `${directory}: meta.json: ${fault}`)
    for (const mission of missions) {
      try {
        const check = await checkStatus(repository, mission)
        checks.push(check)
        const { skipped, anomalies, snapshot } = check
        for (const { line, reason } of skipped) {
          lines.push(`${mission.directory}: line ${line}: ${reason}`)
        }
        for (const { line, kind, wp_id } of anomalies) {
          lines.push(`${mission.directory}: line ${line}: ${kind} of ${oneLine(wp_id)}`)
        }
        if (snapshot.state === 'stale') {
          lines.push(`${mission.directory}: status.json is stale (${snapshot.cause})`)
        } else if (snapshot.state === 'unreadable') {
          lines.push(`${mission.directory}: status.json can not be read`)
        }
      } catch (error) {
        if (!(error instanceof KittiwakeError)) throw error
        checks.push({ mission_slug: mission.directory, error: error.code })
        lines.push(`${mission.directory}: ${error.message}`)
      }
    }
    const text = lines.length === 0 ? inOrder(missions.length) : lines.join('\n')
    return {
      fields: { sound: lines.length === 0, missions: checks },
      text,
      exit: lines.length === 0 ? EXIT.ok : EXIT.failed,
    }
  }
}

/** A lane a line; where packages have titles, a package a line. */
function boardText({ mission_slug, lanes, titles }: Board): string {
  const filled = Object.entries(lanes).filter(([, packages]) => packages.length > 0)
  const hasTitles = Object.keys(titles).length > 0
  const rows = filled.flatMap(([lane, packages]): string[][] => {
    if (!hasTitles) return [[`  ${lane.padEnd(LANE_WIDTH)}`, packages.join(' ')]]
    return packages.map((wp, at) => [
      `  ${(at === 0 ? lane : '').padEnd(LANE_WIDTH)}`,
      wp,
      titles[wp] ?? '',
    ])
  })
  return `${mission_slug}\n${rows.length === 0 ? '  no work packages' : columns(rows, ' ')}`
}

function inOrder(count: number): string {
  if (count === 0) return 'No missions.'
  return counted(count, 'mission is in order.', 'missions are in order.')
}
