/** A project as commands name it. */
import { LinkError } from '../../errors.ts'
import type { Connection } from '../data/database.ts'

export type NamedProject = {
  readonly dataDir: string
  readonly team: string
  readonly project: string
}

/** Its id. @throws LinkError HUB_PROJECT_UNKNOWN */
export function idOfProject(database: Connection, { team, project }: NamedProject): number {
  const id = database
    .prepare<[string, string], number>(
      'SELECT project_id FROM projects WHERE team = ? AND project_uuid = ?',
    )
    .pluck()
    .get(team, project)
  if (id !== undefined) return id
  throw new LinkError('HUB_PROJECT_UNKNOWN', 'the team has no such project at this hub', {
    hint: 'Name the team by its slug, and the project by the UUID in the address of the dashboard.',
  })
}
