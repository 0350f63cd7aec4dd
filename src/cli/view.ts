/** The project as the reading commands show it: no thread is started and nothing is written. */
import { locateRepository } from '../project/git/locate.ts'
import { stateDirectory } from '../project/state-directory.ts'
import { type ProjectView, viewProject } from '../view.ts'

export async function readView(cwd: string): Promise<ProjectView> {
  return viewProject(await locateRepository(cwd), stateDirectory(process.env))
}
