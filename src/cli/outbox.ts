/** The outbox of the current folder's project, opened to read; before `init`, the one of its repository. */
import { locateRepository } from '../project/locate.ts'
import {
  outboxPath,
  repositoryKeyOf,
  stateDirectory,
  unidentifiedOutboxPath,
} from '../project/state-directory.ts'
import { identityOrNull } from '../project/identity.ts'
import { OutboxReader } from '../workers/store/outbox-reader.ts'

export async function openReader(cwd: string): Promise<OutboxReader> {
  const repository = await locateRepository(cwd)
  const state = stateDirectory(process.env)
  const identity = await identityOrNull(repository)
  if (identity !== null) {
    const path = outboxPath(state, identity.uuid)
    return OutboxReader.open({ path, owner: { kind: 'project', uuid: identity.uuid } })
  }
  const key = repositoryKeyOf(repository.commonDir)
  const path = unidentifiedOutboxPath(state, key)
  return OutboxReader.open({ path, owner: { kind: 'repository', key } })
}
