internal import UploaderProgram

UploaderProgram.main()
