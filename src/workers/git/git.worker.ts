import { serve } from '../serve.ts'
import { openGitService } from './git-service.ts'

await serve(openGitService)
