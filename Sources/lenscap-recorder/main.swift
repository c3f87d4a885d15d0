internal import RecorderProgram

RecorderProgram.main()
