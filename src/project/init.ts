/** `init`: the one place that mints. */
import { ensureIdentity } from './identity.ts'
import { locateRepository } from './git/locate.ts'
import { machineOf } from './machine.ts'
import { nodeIdOf } from './node-id.ts'
import { stateDirectory } from './state-directory.ts'
import type { Identity } from './types.ts'
import { startMetadata } from './upgrade/upgrade.ts'

/**
 * Mints what is missing, and says of a project that needs no migration that it follows the contract.
 *
 * @throws ProjectError NOT_A_REPOSITORY, BARE_REPOSITORY, CONFIG_UNUSABLE, IDENTITY_NOT_V4, REPOSITORY_READ_ONLY
 */
export async function initProject(cwd: string): Promise<{ identity: Identity; created: boolean }> {
  const repository = await locateRepository(cwd)
  const node_id = nodeIdOf(stateDirectory(process.env), machineOf())
  const ensured = await ensureIdentity(repository, { node_id })
  await startMetadata(repository)
  return ensured
}
