/** All rules in the order of their priority: what an earlier one has replaced, a later one doesn't see. */
import type { Rule } from '../rule.ts'
import { hardwareAddresses, ipv4Addresses, ipv6Addresses } from './addresses.ts'
import { assignedSecrets } from './assigned-secrets.ts'
import { authors } from './authors.ts'
import { emails } from './emails.ts'
import { fileUrls } from './file-urls.ts'
import { headerCredentials } from './header-credentials.ts'
import { slashedHomes } from './home-paths.ts'
import { identityContexts, identityWords } from './identity-words.ts'
import { knownHomes, repositoryRoots } from './known-paths.ts'
import { knownTokens } from './known-tokens.ts'
import { networkPaths } from './network-paths.ts'
import { namedFolders, privateFolders, tildeHomes } from './private-folders.ts'
import { privateKeys } from './private-keys.ts'
import { randomSecrets } from './random-secrets.ts'
import { urlCredentials } from './url-credentials.ts'
import { windowsHomes } from './windows-homes.ts'

export const RULES: readonly Rule[] = [
  privateKeys,
  knownTokens,
  urlCredentials,
  headerCredentials,
  assignedSecrets,
  fileUrls,
  repositoryRoots,
  knownHomes,
  windowsHomes,
  slashedHomes,
  networkPaths,
  privateFolders,
  namedFolders,
  tildeHomes,
  authors,
  emails,
  identityWords,
  identityContexts,
  ipv4Addresses,
  ipv6Addresses,
  hardwareAddresses,
  randomSecrets,
]
