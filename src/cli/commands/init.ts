import { counted } from '../../contracts/values/counted.ts'
import { KittiwakeCommand, type Result } from '../command.ts'

export class InitCommand extends KittiwakeCommand {
  static override paths = [['init']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Project',
    description: 'Give this repository its project identity',
    details:
      'Commit `.kittify`, so that all clones are one project. Run again, it changes nothing and prints the identity.',
    examples: [['Mint the identity', 'kittiwake init']],
  })

  async run(): Promise<Result> {
    const { initProject } = await import('../../project/init.ts')
    const { identity, created } = await initProject(this.context.cwd)
    // Opening the outbox adopts what was recorded before the repository had an identity.
    const adopted = await this.withRuntime((runtime) => runtime.adopt())
    const { uuid, slug, node_id, build_id } = identity
    return {
      fields: { project: { uuid, slug, node_id, build_id }, created, adopted },
      text: [
        `${created ? 'Created' : 'Already there'}: project ${slug} (${uuid})`,
        ...(adopted > 0 ? [`Adopted ${counted(adopted, 'event')} recorded before.`] : []),
        ...(created ? ['Commit .kittify: a clone without it would be a project of its own.'] : []),
      ].join('\n'),
    }
  }
}
